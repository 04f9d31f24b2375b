import t from 'tap';
import { isOwnedBy, isManaged, keyOf, ownedMetadata } from '../../controller/ownership.ts';
import { deployment, trigger } from './fixtures/observed-state.ts';

t.test('a resource made for an owner is recognized, and no other', async (t) => {
  const made = { ...deployment, metadata: ownedMetadata(trigger, 'quakes-millrace', { a: 'b' }) };
  t.match(made.metadata, {
    name: 'quakes-millrace',
    namespace: 'geo',
    labels: { 'app.kubernetes.io/managed-by': 'millrace', a: 'b' },
    ownerReferences: [{ kind: 'Trigger', name: 'quakes', uid: 'uid-trigger', controller: true }],
  });
  t.ok(isOwnedBy(made, trigger));
  t.notOk(isOwnedBy(made, deployment), 'another owner');
  t.notOk(isOwnedBy({ ...made, metadata: { ...made.metadata, labels: {} } }, trigger), 'without the label');
  t.notOk(isOwnedBy(deployment, trigger));
  t.ok(isManaged(made));
  t.notOk(isManaged(deployment));
});

t.test('names', async (t) => {
  t.equal(keyOf(trigger), 'geo/quakes');
  t.equal(keyOf({ ...trigger, metadata: { name: 'quakes' } }), '/quakes');
  const bare = ownedMetadata({ ...trigger, metadata: { name: 'quakes' } }, 'a', {});
  t.notOk('namespace' in bare);
  t.equal(bare.ownerReferences?.[0]?.uid, '');
});
