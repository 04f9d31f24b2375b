// The meaning of KEDA's Kafka scaler (kafka_scaler_test.go, KEDA 2.21), in our words; then where ours differs.
import t from 'tap';
import type { PartitionOffsets } from '../../../core/kafka/offsets/partition-offsets.ts';
import { groupLag, type LagRules } from '../../../scaler/backlog/group-lag.ts';

const defaults: LagRules = {
  topics: ['orders'],
  partitions: undefined,
  lagThreshold: 10,
  offsetResetPolicy: 'latest',
  allowIdleConsumers: false,
  scaleToZeroOnInvalidOffset: false,
  limitToPartitionsWithLag: false,
  ensureEvenDistributionOfPartitions: false,
};

/** Of a partition that holds `logStart` to `end`; -1 where nothing is committed. */
const offsets = (partition: number, committed: bigint, end: bigint, logStart = 0n): PartitionOffsets => ({
  topic: 'orders',
  partition,
  logStart,
  end,
  committed: committed < 0n ? undefined : { offset: committed, metadata: '' },
});
/** As many partitions as there are lags. */
const lagging = (...lags: number[]) => lags.map((lag, partition) => offsets(partition, 0n, BigInt(lag)));
const nothing = () => false;
const lagOf = (partitions: PartitionOffsets[], rules: Partial<LagRules> = {}, isPersistent = nothing) =>
  groupLag(partitions, { ...defaults, ...rules }, isPersistent);

t.test('one partition', async (t) => {
  for (const [what, committed, end, logStart, rules, lag] of [
    ['committed', 100n, 150n, 0n, {}, 50n],
    ['committed, history deleted since', 100n, 150n, 120n, {}, 30n],
    ['committed, all read', 150n, 150n, 0n, {}, 0n],
    ['committed, log emptied since', 100n, 150n, 150n, {}, 0n],
    ['beyond the end, latest: as no offset', 500n, 340n, 0n, {}, 1n],
    ['beyond the end, earliest: as no offset', 500n, 340n, 10n, { offsetResetPolicy: 'earliest' }, 330n],
    ['beyond the end, to zero: as no offset', 500n, 340n, 0n, { scaleToZeroOnInvalidOffset: true }, 0n],
    ['no offset, latest', -1n, 150n, 0n, {}, 1n],
    ['no offset, latest, nothing there', -1n, 0n, 0n, {}, 1n],
    ['no offset, latest, to zero', -1n, 150n, 0n, { scaleToZeroOnInvalidOffset: true }, 0n],
    ['no offset, earliest', -1n, 150n, 100n, { offsetResetPolicy: 'earliest' }, 50n],
    ['no offset, earliest, empty', -1n, 150n, 150n, { offsetResetPolicy: 'earliest' }, 0n],
    ['no offset, earliest, start past the end', -1n, 100n, 150n, { offsetResetPolicy: 'earliest' }, 0n],
    [
      'no offset, earliest, to zero',
      -1n,
      150n,
      100n,
      { offsetResetPolicy: 'earliest', scaleToZeroOnInvalidOffset: true },
      0n,
    ],
    [
      'to zero means nothing where there is an offset',
      100n,
      150n,
      0n,
      { scaleToZeroOnInvalidOffset: true },
      50n,
    ],
  ] as const)
    t.equal(lagOf([offsets(0, committed, end, logStart)], rules).records, lag, what);
});

t.test('how many replicas the lag asks for', async (t) => {
  for (const [what, lags, rules, metric] of [
    ['less than the partitions', [5, 0, 9], {}, 14n],
    ['no more than partitions', [1_000, 0, 0], {}, 30n],
    ['no part of a replica more than partitions', [25, 5, 0], {}, 30n],
    ['idle ones are allowed', [1_000, 0, 0], { allowIdleConsumers: true }, 1_000n],
    ['no more than partitions with lag', [1_000, 0, 5], { limitToPartitionsWithLag: true }, 20n],
    ['none with lag', [0, 0, 0], { limitToPartitionsWithLag: true }, 0n],
    ['even: 2 of 4', [15, 0, 0, 0], { ensureEvenDistributionOfPartitions: true }, 20n],
    ['even: 4 for 3', [30, 0, 0, 0], { ensureEvenDistributionOfPartitions: true }, 40n],
    ['even: no more than all', [1_000, 0, 0, 0], { ensureEvenDistributionOfPartitions: true }, 40n],
    ['even: one for nothing', [0, 0, 0, 0], { ensureEvenDistributionOfPartitions: true }, 10n],
    [
      'even goes before idle',
      [1_000, 0],
      { ensureEvenDistributionOfPartitions: true, allowIdleConsumers: true },
      20n,
    ],
  ] as const)
    t.equal(lagOf(lagging(...lags), rules).metric, metric, what);
});

t.test('even replicas among 100 partitions', async (t) => {
  const even = { ensureEvenDistributionOfPartitions: true };
  for (const [lag, replicas] of [
    [10, 1n],
    [20, 2n],
    [40, 4n],
    [50, 5n],
    [99, 10n],
    [100, 10n],
    [101, 20n],
    [1_001, 100n],
  ] as const)
    t.equal(lagOf(lagging(lag, ...Array<number>(99).fill(0)), even).metric, replicas * 10n, String(lag));
});

t.test('partitions outside of the limitation do not count', async (t) => {
  const partitions = [
    { from: 1, to: 1 },
    { from: 3, to: 9 },
  ];
  t.strictSame(lagOf(lagging(100, 1, 100, 2), { partitions }), { records: 3n, metric: 3n });
  t.throws(
    () => lagOf(lagging(100), { partitions }),
    /partitionLimitation excludes every partition of orders/,
  );
});

t.test('persistent lag keeps it active, and asks for no replicas', async (t) => {
  const stands = (({ partition }: PartitionOffsets) => partition === 0) as typeof nothing;
  t.strictSame(lagOf(lagging(50, 3), {}, stands), { records: 53n, metric: 3n });
  t.strictSame(lagOf(lagging(50, 99), { limitToPartitionsWithLag: true }, stands), {
    records: 149n,
    metric: 10n,
  });
});

t.test('an offset beyond the last stable one is valid as long as the log reaches so far', async (t) => {
  const ahead = { ...offsets(0, 500n, 340n), highWatermark: 500n };
  t.equal(lagOf([ahead], { offsetResetPolicy: 'earliest' }).records, 0n, 'behind an open transaction');
  const lost = { ...ahead, highWatermark: 499n };
  t.equal(lagOf([lost], { offsetResetPolicy: 'earliest' }).records, 340n);
});

t.test('a group that has committed nothing, and names no topic, may begin', async (t) => {
  t.strictSame(lagOf([], { topics: [] }), { records: 1n, metric: 1n });
  t.strictSame(lagOf([], { topics: [], scaleToZeroOnInvalidOffset: true }), { records: 0n, metric: 0n });
});
