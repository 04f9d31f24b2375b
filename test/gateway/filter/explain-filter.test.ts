import fc from 'fast-check';
import t from 'tap';
import type { Filter } from '../../../core/contract/subscription.ts';
import { compileFilter } from '../../../gateway/filter/compile-filter.ts';
import { explainRefusal } from '../../../gateway/filter/explain-filter.ts';
import { eventWith } from '../../core/expressions/cel/event.ts';

const event = eventWith({ mag: 6 });
const type = (kind: 'exact' | 'prefix' | 'suffix', value: string): Filter => ({
  kind,
  attributes: { type: value },
});
const yes = type('prefix', 'dev.');

t.test('the filter that refuses, and why', (t) => {
  const cases: [filters: Filter[], path: string, why: string][] = [
    [[type('exact', 'dev')], 'filters[0]', 'type is "dev.quake", which is not "dev"'],
    [[yes, type('prefix', 'x')], 'filters[1]', 'type is "dev.quake", which does not begin with "x"'],
    [[type('suffix', 'x')], 'filters[0]', 'type is "dev.quake", which does not end with "x"'],
    [
      [{ kind: 'exact', attributes: { region: 'eu', subject: 'x' } }],
      'filters[0]',
      'the event has no attribute subject',
    ],
    [
      [{ kind: 'exact', attributes: { kafkapartition: '4' } }],
      'filters[0]',
      'kafkapartition is "3", which is not "4"',
    ],
    [
      [{ kind: 'all', filters: [yes, { kind: 'not', filter: yes }] }],
      'filters[0].all[1]',
      'the event passes the filter that it must not pass',
    ],
    [
      [{ kind: 'any', filters: [type('exact', 'a'), { kind: 'cel', expression: 'data.mag > 7.0' }] }],
      'filters[0]',
      'none of them passes: filters[0].any[0]: type is "dev.quake", which is not "a"; ' +
        'filters[0].any[1]: the expression evaluates to false',
    ],
    [[yes, { kind: 'cesql', expression: "type = 'x'" }], 'filters[1]', 'the expression evaluates to false'],
  ];
  for (const [filters, path, why] of cases) t.match(explainRefusal(filters, event), { path, why });
  t.match(explainRefusal([{ kind: 'cel', expression: 'subject' }], event), {
    filter: { kind: 'cel', expression: 'subject' },
    why: 'the expression cannot be evaluated: the event has no attribute subject',
    error: { code: 'missingAttribute', message: 'the event has no attribute subject' },
  });
  t.end();
});

t.test('it refuses what the gateway refuses', (t) => {
  const { filter } = fc.letrec<{ filter: Filter; leaf: Filter }>((tie) => ({
    leaf: fc.oneof(
      fc.record({
        kind: fc.constantFrom('exact', 'prefix', 'suffix'),
        attributes: fc.dictionary(
          fc.constantFrom('type', 'subject'),
          fc.constantFrom('dev.quake', 'dev', 'quake'),
        ),
      }),
      fc.record({
        kind: fc.constant('cel'),
        expression: fc.constantFrom('data.mag > 5.0', 'subject == type', 'flag'),
      }),
      fc.record({
        kind: fc.constant('cesql'),
        expression: fc.constantFrom('EXISTS region', 'subject', 'FALSE'),
      }),
    ),
    filter: fc.oneof(
      { maxDepth: 4 },
      tie('leaf'),
      fc.record({ kind: fc.constantFrom('all', 'any'), filters: fc.array(tie('filter'), { maxLength: 3 }) }),
      fc.record({ kind: fc.constant('not'), filter: tie('filter') }),
    ),
  }));
  fc.assert(
    fc.property(fc.array(filter, { maxLength: 3 }), (filters) => {
      const passes = compileFilter(filters, () => undefined)(event);
      return passes === (explainRefusal(filters, event) === undefined);
    }),
    { numRuns: 500 },
  );
  t.end();
});
