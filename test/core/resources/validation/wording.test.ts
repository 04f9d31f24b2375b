import t from 'tap';
import { triggerWording } from '../../../../core/resources/validation/wording.ts';

t.test('a field of a Trigger is named by its last step and spelt as YAML', async (t) => {
  t.equal(triggerWording.name(['spec', 'delivery', 'retry']), 'retry');
  t.equal(triggerWording.example(['spec', 'delivery', 'retry'], 10), '`retry: 10`');
  t.equal(triggerWording.example(['spec', 'function', 'port'], '10'), '`port: "10"`');
  t.equal(triggerWording.example(['spec', 'source', 'topics'], ['a', 'b']), '`topics: [ a, b ]`');
  t.equal(
    triggerWording.example(['spec', 'filters', 0], { exact: { type: 'a' } }),
    '`- { exact: { type: a } }`',
  );
});
