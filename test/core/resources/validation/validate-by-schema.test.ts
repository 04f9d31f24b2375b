import { Type } from 'typebox';
import t from 'tap';
import { createSchemaValidator } from '../../../../core/resources/validation/validate-by-schema.ts';
import { triggerWording } from '../../../../core/resources/validation/wording.ts';

t.test('what is validated is left as it is, and gets its defaults', async (t) => {
  const schema = Type.Object(
    { a: Type.Optional(Type.String({ default: 'b' })) },
    { additionalProperties: false },
  );
  const judge = createSchemaValidator({ schema, table: [], maxSpecBytes: 1024 });
  const declared = {};
  t.strictSame(judge(declared, triggerWording), { filled: { a: 'b' }, mistakes: [] });
  t.strictSame(declared, {});
  t.match(judge({ c: 1 }, triggerWording).mistakes, [{ at: ['c'], remedy: 'The fields here are a.' }]);
});

t.test('what is not built is that, and not of the wrong type too', async (t) => {
  const notBuilt = { what: 'later', instead: 'Leave it out.' };
  const list = Type.Unsafe({ type: 'array', example: [], notBuilt: { ...notBuilt, except: [] } });
  const schema = Type.Object({
    text: Type.Optional(Type.Unsafe({ type: 'string', example: 'a', notBuilt })),
    list: Type.Optional(list),
  });
  const judge = createSchemaValidator({ schema, table: [], maxSpecBytes: 1024 });
  const told = (declared: unknown) =>
    judge(declared, triggerWording).mistakes.map(({ code, message }) => [code, message]);
  t.strictSame(told({ text: 1 }), [['MILLRACE_FIELD_NOT_BUILT', 'is not built yet (later)']]);
  t.strictSame(told({ list: 1 }), [['MILLRACE_FIELD_NOT_BUILT', '1 is not built yet (later)']]);
  t.strictSame(told({ list: [] }), []);
});

t.test('what should be a reference to a Secret is not shown, for it may be what is secret', async (t) => {
  const password = Type.Object(
    { secretName: Type.String({ example: 'orders' }) },
    { example: { secretName: 'orders' } },
  );
  const schema = Type.Object({ password, name: Type.String({ example: 'a', maxLength: 9 }) });
  const judge = createSchemaValidator({ schema, table: [], maxSpecBytes: 1024 });
  const { mistakes } = judge({ password: 's3cret', name: 1 }, triggerWording);
  t.strictSame(
    mistakes.map(({ message }) => message),
    [
      'must be a mapping, is something else (not shown, as it may be secret)',
      'must be a string of 0 to 9 characters, is 1',
    ],
  );
  t.notMatch(JSON.stringify(mistakes), 's3cret');
});
