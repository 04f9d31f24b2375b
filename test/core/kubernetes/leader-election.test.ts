import t, { type Test } from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import { leaseKind } from '../../../core/resources/kinds.ts';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import {
  evaluateLease,
  microTime,
  specOf,
  startLeader,
  type Leader,
} from '../../../core/kubernetes/leader-election.ts';
import { MemoryKubernetes } from '../../fixtures/kubernetes/memory-kubernetes.ts';
import { until } from '../../scaler/fixtures/until.ts';

const times = { lease: 1_000, renewWithin: 400, retry: 40 };
type Candidate = { leader: Leader; changes: string[]; troubles: unknown[] };

function candidate(t: Test, client: MemoryKubernetes, identity: string): Candidate {
  const changes: string[] = [];
  const troubles: unknown[] = [];
  const leader = startLeader({
    client,
    namespace: 'mill',
    name: 'scaler',
    identity,
    podUid: `uid-${identity}`,
    times,
    onLead: () => Promise.resolve(void changes.push('leads')),
    onLose: (why) => Promise.resolve(void changes.push(`lost: ${why}`)),
    onTrouble: (error) => troubles.push(error),
  });
  t.teardown(() => leader.stop());
  return { leader, changes, troubles };
}

const leaseIn = (client: MemoryKubernetes) => client.get(leaseKind, 'mill', 'scaler');

t.test('one candidate leads; when it stops, another leads at once', async (t) => {
  const client = new MemoryKubernetes();
  const first = candidate(t, client, 'a');
  await until(() => first.leader.isLeading);
  const second = candidate(t, client, 'b');
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.equal(second.leader.isLeading, false);
  t.match(await leaseIn(client), {
    metadata: { ownerReferences: [{ kind: 'Pod', name: 'a', uid: 'uid-a' }] },
    spec: { holderIdentity: 'a', leaseDurationSeconds: 1, leaseTransitions: 0 },
  });
  await first.leader.stop();
  t.strictSame(first.changes, ['leads', 'lost: the process stops']);
  await until(() => second.leader.isLeading);
  t.match(specOf((await leaseIn(client))!), { holderIdentity: 'b', leaseTransitions: 1 });
  t.strictSame([...first.troubles, ...second.troubles], []);
});

t.test('a leader that cannot renew stops before another may begin', async (t) => {
  const client = new MemoryKubernetes();
  const only = candidate(t, client, 'a');
  await until(() => only.leader.isLeading);
  client.fails = () => new MillraceError('MILLRACE_KUBERNETES_UNREACHABLE', 'away');
  await until(() => only.changes.length === 2);
  t.match(only.changes[1], /could not be renewed/);
  t.equal(only.leader.isLeading, false);
  client.fails = undefined;
  await until(() => only.leader.isLeading, 5_000);
});

/** While it is silent, its requests get no answer. */
class SilentKubernetes extends MemoryKubernetes {
  isSilent = false;

  override async replace(given: Resource): Promise<Resource> {
    while (this.isSilent) await new Promise((resolve) => setTimeout(resolve, 20));
    return super.replace(given);
  }
}

t.test('a leader whose request gets no answer stops too', async (t) => {
  const client = new SilentKubernetes();
  const only = candidate(t, client, 'a');
  await until(() => only.leader.isLeading);
  client.isSilent = true;
  await until(() => only.changes.length === 2);
  t.match(only.changes[1], /could not be renewed/);
  t.equal(only.leader.isLeading, false);
  t.equal(specOf((await leaseIn(client))!).holderIdentity, 'a', 'nobody else has begun');
  client.isSilent = false;
  await until(() => only.leader.isLeading);
  t.equal(only.changes[2], 'leads');
});

t.test('a leader ends when another takes the Lease, and takes one that nobody renews', async (t) => {
  const client = new MemoryKubernetes();
  const only = candidate(t, client, 'a');
  await until(() => only.leader.isLeading);
  const lease = (await leaseIn(client))!;
  const taken = { ...specOf(lease), holderIdentity: 'cleanup', leaseDurationSeconds: 1 };
  await until(async () => {
    await client.replace({ ...(await leaseIn(client))!, spec: taken });
    return true;
  });
  await until(() => only.changes.length === 2);
  t.match(only.changes[1], /cleanup has taken the Lease/);
  await until(() => only.leader.isLeading);
});

t.test('a Lease that is deleted is created again', async (t) => {
  const client = new MemoryKubernetes();
  const only = candidate(t, client, 'a');
  await until(() => only.leader.isLeading);
  await client.remove(leaseKind, 'mill', 'scaler');
  await until(async () => (await leaseIn(client)) !== undefined);
  await until(() => only.leader.isLeading);
});

t.test('the owner of a Lease is decided by our own clock', async (t) => {
  const lease = (spec: unknown): Resource => ({ ...leaseKind, metadata: { name: 'scaler' }, spec });
  const evaluate = (spec: unknown, nowMs = 0) =>
    evaluateLease({ lease: lease(spec), sinceMs: 0 }, 'a', nowMs);
  t.equal(evaluate(undefined), 'take');
  t.equal(evaluate({ holderIdentity: '' }), 'take');
  t.equal(evaluate({ holderIdentity: 'a' }, 99_999), 'ours');
  t.equal(evaluate({ holderIdentity: 'b', leaseDurationSeconds: 2 }, 1_999), 'theirs');
  t.equal(evaluate({ holderIdentity: 'b', leaseDurationSeconds: 2 }, 2_000), 'take');
  t.equal(evaluate({ holderIdentity: 'b' }, 14_999), 'theirs');
  t.equal(microTime(new Date(0)), '1970-01-01T00:00:00.000000Z');
});
