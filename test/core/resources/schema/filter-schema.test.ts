import fc from 'fast-check';
import t from 'tap';
import {
  filterRef,
  filterSchema,
  type DeclaredFilter,
} from '../../../../core/resources/schema/filter-schema.ts';
import { triggerSchema } from '../../../../core/resources/schema/trigger-schema.ts';
import { mistakesIn } from '../minimal-trigger.ts';

const exact = { exact: { type: 'order.placed' } };

t.test('the reference leads to the schema', async (t) => {
  t.equal(filterRef.$ref, '#/$defs/filter');
  t.equal((triggerSchema as unknown as { $defs: { filter: unknown } }).$defs.filter, filterSchema);
});

for (const filter of [
  exact,
  { prefix: { type: 'order.', subject: 'a' } },
  { suffix: { kafkatopic: '.v1' } },
  { all: [exact, { any: [exact] }] },
  { not: { not: { all: [exact] } } },
  { cesql: "type = 'a'" },
  { any: [{ cel: 'data.mag >= 5.0' }] },
]) {
  t.test(`right: ${JSON.stringify(filter)}`, async (t) =>
    t.strictSame(mistakesIn({ 'spec.filters': [filter] }), []),
  );
}

for (const [filter, place] of [
  [null, 'spec.filters[0]:'],
  ['a', 'spec.filters[0]:'],
  [{}, 'spec.filters[0]:'],
  [{ ...exact, prefix: { type: 'a' } }, 'spec.filters[0]:'],
  [{ exact: {} }, 'spec.filters[0].exact:'],
  [{ exact: 'type=a' }, 'spec.filters[0].exact:'],
  [{ exact: { type: '' } }, 'spec.filters[0].exact.type:'],
  [{ exact: { kafkapartition: 3 } }, 'spec.filters[0].exact.kafkapartition:'],
  [{ exact: { Type: 'a' } }, 'spec.filters[0].exact.Type:'],
  [{ prefix: { 'ce-type': 'a' } }, 'spec.filters[0].prefix["ce-type"]:'],
  [{ all: [] }, 'spec.filters[0].all:'],
  [{ any: exact }, 'spec.filters[0].any:'],
  [{ any: [exact, {}] }, 'spec.filters[0].any[1]:'],
  [{ not: [exact] }, 'spec.filters[0].not:'],
  [{ not: { not: { exact: {} } } }, 'spec.filters[0].not.not.exact:'],
  [{ prefx: { type: 'a' } }, 'spec.filters[0].prefx: is not a field here. Did you mean `prefix`?'],
  [{ sql: 'type' }, 'spec.filters[0].sql: is not a field here. Did you mean `cesql`?'],
  [{ cesql: '' }, 'spec.filters[0].cesql: must be a string of 1 to 4096 characters'],
  [{ all: [{ cel: 5 }] }, 'spec.filters[0].all[0].cel: must be a string of 1 to 4096 characters'],
  [{ cesql: "type = 'a'", cel: 'true' }, 'spec.filters[0]:'],
] as const) {
  t.test(`wrong: ${JSON.stringify(filter)}`, async (t) => {
    const mistakes = mistakesIn({ 'spec.filters': [filter] });
    t.equal(mistakes.length, 1, mistakes.join('\n'));
    t.ok(mistakes[0]?.startsWith(place), mistakes.join());
  });
}

t.test('filters nest as deep as they like', async (t) => {
  const text = fc.string({ minLength: 1 });
  const attributes = fc.dictionary(fc.stringMatching(/^[a-z0-9]{1,20}$/), text, { minKeys: 1, maxKeys: 3 });
  const { filter } = fc.letrec<{ filter: DeclaredFilter }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 5 },
      fc.oneof(
        fc.record({ exact: attributes }),
        fc.record({ prefix: attributes }),
        fc.record({ suffix: attributes }),
      ),
      fc.record({ not: tie('filter') }),
      fc.record({ all: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ any: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
    ),
  }));
  fc.assert(
    fc.property(fc.array(filter), (filters) => t.strictSame(mistakesIn({ 'spec.filters': filters }), [])),
  );
});
