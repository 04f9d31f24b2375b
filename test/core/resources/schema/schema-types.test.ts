import { Type as TypeBox } from 'typebox';
import t from 'tap';
import { Type } from '../../../../core/resources/schema/schema-types.ts';

/** A schema with every kind of field. */
function everyKind(make: typeof Type) {
  return make.Object(
    {
      array: make.Array(make.Boolean({ description: 'b' }), { minItems: 1 }),
      plain: make.Array(make.Boolean()),
      choice: make.Enum(['a', 'b'], { default: 'a' }),
      open: make.Enum(['c']),
      count: make.Integer({ minimum: 0 }),
      whole: make.Integer(),
      kind: make.Literal('Trigger', { example: 'Trigger' }),
      word: make.Literal('a'),
      maybe: make.Optional(make.String({ format: 'x' })),
      none: make.Optional(make.Object({})),
      text: make.String(),
      any: make.Unknown(),
      noted: make.Unknown({ description: 'u' }),
      other: make.Unsafe<number>({ $ref: '#/x' }),
    },
    { additionalProperties: false },
  );
}

t.test('schemas are those of typebox, to the letter', async (t) => {
  t.equal(JSON.stringify(everyKind(Type)), JSON.stringify(everyKind(TypeBox)));
});
