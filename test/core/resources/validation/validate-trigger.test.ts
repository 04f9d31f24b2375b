import fc from 'fast-check';
import t from 'tap';
import { fieldTable } from '../../../../core/resources/schema/fields.ts';
import { isMapping } from '../../../../core/contract/path.ts';
import { validateTrigger } from '../../../../core/resources/validation/validate-trigger.ts';
import { triggerWording } from '../../../../core/resources/validation/wording.ts';
import { minimalTrigger, mistakesIn, triggerWith } from '../minimal-trigger.ts';

t.test('a place that the schema refuses is not validated by the rules too', async (t) => {
  t.match(mistakesIn({ 'spec.function': { ref: 'mailer', uri: 'http://a/' } }), [
    /^spec\.function\.ref: must be a mapping/,
    /^spec\.function: must have exactly one of/,
  ]);
  const changes = {
    'spec.scale.minReplicaCount': 2 ** 40,
    'spec.reply': { topic: 'orders' },
    'spec.transform': [1],
  };
  t.match(mistakesIn(changes), [
    /^spec\.transform: a list is not built yet/,
    /^spec\.scale\.minReplicaCount: must be a whole number/,
    /^spec\.reply\.topic: must not be a topic that the trigger reads/,
  ]);
});

t.test('all mistakes are reported at once', async (t) => {
  const changes = {
    'spec.nothing': 1,
    'spec.delivery': { retry: -5, timeout: 'x', ordering: 'y' },
    'spec.source': {},
  };
  t.equal(mistakesIn(changes).length, 5);
});

t.test('what is declared is left as it is, and what is right has its defaults', async (t) => {
  const declared = minimalTrigger();
  const verdict = validateTrigger(declared, triggerWording);
  t.strictSame(declared, minimalTrigger());
  t.match(verdict, {
    kind: 'right',
    trigger: { metadata: { namespace: 'default' }, spec: { delivery: { retry: 10 } } },
  });
});

t.test('whatever is declared, it is validated, and every mistake says where and what to do', async (t) => {
  const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<unknown>;
  const known = fc.constantFrom(...fieldTable.map(({ path }) => path.replaceAll('[]', '')));
  const changed = fc.dictionary(known, json, { maxKeys: 6 }).map((changes) => {
    try {
      return triggerWith(changes);
    } catch {
      // Something was put below what is no mapping.
      return changes;
    }
  });
  fc.assert(
    fc.property(fc.oneof(json, changed), (declared) => {
      const verdict = validateTrigger(declared, triggerWording);
      if (verdict.kind === 'right') return;
      t.ok(verdict.mistakes.length > 0);
      for (const { message, remedy } of verdict.mistakes) {
        t.match(message, /^\S[^\n]*$/);
        t.match(remedy, /\S/);
      }
      t.ok(isMapping(declared) || verdict.mistakes.length === 1);
    }),
  );
});
