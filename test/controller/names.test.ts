import t from 'tap';
import { ownedName, isMadeFor, isManaged, keyOf, madeFor } from '../../controller/names.ts';
import { deployment, trigger } from './fixtures/observed.ts';

t.test('what is made for an owner is known again, and nothing else is', async (t) => {
  const made = { ...deployment, metadata: madeFor(trigger, 'quakes-millrace', { a: 'b' }) };
  t.match(made.metadata, {
    name: 'quakes-millrace',
    namespace: 'geo',
    labels: { 'app.kubernetes.io/managed-by': 'millrace', a: 'b' },
    ownerReferences: [{ kind: 'Trigger', name: 'quakes', uid: 'uid-trigger', controller: true }],
  });
  t.ok(isMadeFor(made, trigger));
  t.notOk(isMadeFor(made, deployment), 'another owner');
  t.notOk(isMadeFor({ ...made, metadata: { ...made.metadata, labels: {} } }, trigger), 'without the label');
  t.notOk(isMadeFor(deployment, trigger));
  t.ok(isManaged(made));
  t.notOk(isManaged(deployment));
});

t.test('names', async (t) => {
  t.equal(keyOf(trigger), 'geo/quakes');
  t.equal(keyOf({ ...trigger, metadata: { name: 'quakes' } }), '/quakes');
  t.equal(ownedName('quakes'), 'quakes-millrace');
  const bare = madeFor({ ...trigger, metadata: { name: 'quakes' } }, 'a', {});
  t.notOk('namespace' in bare);
  t.equal(bare.ownerReferences?.[0]?.uid, '');
});
