import t from 'tap';
import {
  clusterSummaryLines,
  summarizeCluster,
  clusterDiscrepancies,
  type ClusterObservation,
} from '../../../../cli/demo/cluster/cluster-summary.ts';

const appendedMs = new Map([
  ['a', 1000],
  ['b', 1100],
  ['c', 9000],
]);
const arrival = { id: 'a', atMs: 1300, sleeps: 0 };
const some: ClusterObservation = {
  name: 'some',
  wanted: 1,
  arrivals: [arrival],
  maxReplicas: 2,
  finalReplicas: 0,
  finalBacklog: '0',
};

t.test('an summary that adds up', async (t) => {
  const summary = summarizeCluster(appendedMs, [some]);
  t.strictSame(summary, {
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
  t.strictSame(clusterDiscrepancies(summary, 3), []);
  t.match(clusterSummaryLines(summary).join('\n'), /^some +2 +1 +0 +2 {2}300 ms$/m);
});

t.test('summaries that do not', async (t) => {
  const cases: [Partial<ClusterObservation>, string][] = [
    [{ arrivals: [] }, 'some: 0 of 1 events arrived'],
    [{ arrivals: [arrival, arrival] }, 'some: 1 events arrived more than once'],
    [{ finalReplicas: 1 }, 'some: 1 replicas still run'],
    [{ finalBacklog: '1-9' }, 'some: its backlog is 1-9'],
  ];
  for (const [change, discrepancy] of cases)
    t.strictSame(clusterDiscrepancies(summarizeCluster(appendedMs, [{ ...some, ...change }]), 3), [
      discrepancy,
    ]);
  t.strictSame(clusterDiscrepancies(summarizeCluster(appendedMs, [some]), 4), [
    '3 of 4 records are known to be appended',
  ]);
});
