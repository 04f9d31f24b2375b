import t from 'tap';
import { findConflicts, type ActiveTrigger } from '../../../controller/plan/trigger-conflicts.ts';
import { refTarget, scaledSubscription, trigger } from '../fixtures/observed-state.ts';

function claimant(
  name: string,
  creationTimestamp: string | undefined,
  group: string,
  target: string,
): ActiveTrigger {
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
  const { groupHolder } = findConflicts([young, old]);
  t.equal(groupHolder(young.subscription), 'geo/z');
  t.equal(groupHolder(old.subscription), undefined);
});

t.test('a Deployment is scaled for one trigger, which has its group', async (t) => {
  const holder = claimant('a', '2026-01-01T00:00:00Z', 'g', 'mailer');
  const second = claimant('b', '2026-01-02T00:00:00Z', 'h', 'mailer');
  const { deploymentHolder } = findConflicts([second, holder]);
  t.equal(deploymentHolder(second.subscription), 'geo/a');
  t.equal(deploymentHolder(holder.subscription), undefined);
  const thief = claimant('c', '2026-01-02T00:00:00Z', 'g', 'other');
  const later = claimant('d', '2026-01-03T00:00:00Z', 'i', 'other');
  t.equal(findConflicts([holder, thief, later]).deploymentHolder(later.subscription), undefined);
  const uri = scaledSubscription({}, { kind: 'uri', uri: 'http://a' }, 'e');
  t.equal(findConflicts([holder, { trigger, subscription: uri }]).deploymentHolder(uri), undefined);
});
