import t from 'tap';
import {
  clusterAccountLines,
  clusterAccountOf,
  clusterFaultsOf,
  type ClusterEvidence,
} from '../../../../cli/demo/cluster/cluster-account.ts';

const appendedMs = new Map([
  ['a', 1000],
  ['b', 1100],
  ['c', 9000],
]);
const arrival = { id: 'a', atMs: 1300, sleeps: 0 };
const some: ClusterEvidence = {
  name: 'some',
  wanted: 1,
  arrivals: [arrival],
  maxReplicas: 2,
  finalReplicas: 0,
  finalBacklog: '0',
};

t.test('an account that adds up', async (t) => {
  const account = clusterAccountOf(appendedMs, [some]);
  t.strictSame(account, {
    records: 3,
    filtered: 2,
    arrived: 1,
    duplicates: 0,
    coldStartMs: { some: 300 },
    maxReplicas: 2,
    finalReplicas: 0,
    triggers: {
      some: {
        filtered: 2,
        arrived: 1,
        duplicates: 0,
        coldStartsMs: [300],
        maxReplicas: 2,
        finalReplicas: 0,
        finalBacklog: '0',
      },
    },
  });
  t.strictSame(clusterFaultsOf(account, 3), []);
  t.match(clusterAccountLines(account).join('\n'), /^some +2 +1 +0 +2 {2}300 ms$/m);
});

t.test('accounts that do not', async (t) => {
  const cases: [Partial<ClusterEvidence>, string][] = [
    [{ arrivals: [] }, 'some: 0 of 1 events arrived'],
    [{ arrivals: [arrival, arrival] }, 'some: 1 events arrived more than once'],
    [{ finalReplicas: 1 }, 'some: 1 replicas still run'],
    [{ finalBacklog: '1-9' }, 'some: its backlog is 1-9'],
  ];
  for (const [change, fault] of cases)
    t.strictSame(clusterFaultsOf(clusterAccountOf(appendedMs, [{ ...some, ...change }]), 3), [fault]);
  t.strictSame(clusterFaultsOf(clusterAccountOf(appendedMs, [some]), 4), [
    '3 of 4 records are known to be appended',
  ]);
});
