import t from 'tap';
import type { PartitionOffsets } from '../../../core/kafka/offsets/partition-offsets.ts';
import { createStalledPartitions } from '../../../scaler/backlog/stalled-partitions.ts';

const at = (committed: bigint | undefined, end: bigint): PartitionOffsets => ({
  topic: 'orders',
  partition: 0,
  logStart: 0n,
  end,
  committed: committed === undefined ? undefined : { offset: committed, metadata: '' },
});

t.test('a partition is stalled once its offset has not moved for as long while it lagged', async (t) => {
  const stalled = createStalledPartitions(15);
  const cases: [nowMs: number, partition: PartitionOffsets, isStalled: boolean][] = [
    [0, at(5n, 9n), false],
    [14, at(5n, 9n), false],
    [15, at(5n, 10n), true],
    [16, at(6n, 10n), false],
    [31, at(6n, 10n), true],
    [40, at(10n, 10n), false],
    [90, at(10n, 11n), false],
    [100, at(10n, 11n), false],
    [105, at(10n, 11n), true],
    [110, at(undefined, 11n), false],
  ];
  for (const [nowMs, partition, expected] of cases) {
    stalled.observe([partition], nowMs);
    t.equal(stalled.has(partition), expected, `at ${nowMs}`);
  }
});
