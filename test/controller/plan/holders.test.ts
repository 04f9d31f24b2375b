import t from 'tap';
import { findHolders, type Claimant } from '../../../controller/plan/holders.ts';
import { refTarget, scaledSubscription, trigger } from '../fixtures/observed.ts';

function claimant(
  name: string,
  creationTimestamp: string | undefined,
  group: string,
  target: string,
): Claimant {
  const subscription = scaledSubscription(
    { source: { consumerGroup: group } },
    { ...refTarget, name: target },
    name,
  );
  const metadata = {
    name,
    namespace: 'geo',
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
  };
  return { trigger: { ...trigger, metadata }, subscription };
}

t.test('the oldest has the group', async (t) => {
  const young = claimant('a', '2026-01-02T00:00:00Z', 'g', 'x');
  const old = claimant('z', '2026-01-01T00:00:00Z', 'g', 'y');
  const { groupOf } = findHolders([young, old]);
  t.equal(groupOf(young.subscription), 'geo/z');
  t.equal(groupOf(old.subscription), undefined);
});

t.test('a Deployment is scaled for one trigger, which has its group', async (t) => {
  const holder = claimant('a', '2026-01-01T00:00:00Z', 'g', 'mailer');
  const second = claimant('b', '2026-01-02T00:00:00Z', 'h', 'mailer');
  const { targetOf } = findHolders([second, holder]);
  t.equal(targetOf(second.subscription), 'geo/a');
  t.equal(targetOf(holder.subscription), undefined);
  const thief = claimant('c', '2026-01-02T00:00:00Z', 'g', 'other');
  const later = claimant('d', '2026-01-03T00:00:00Z', 'i', 'other');
  t.equal(findHolders([holder, thief, later]).targetOf(later.subscription), undefined);
  const uri = scaledSubscription({}, { kind: 'uri', uri: 'http://a' }, 'e');
  t.equal(findHolders([holder, { trigger, subscription: uri }]).targetOf(uri), undefined);
});
