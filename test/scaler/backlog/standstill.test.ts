import t from 'tap';
import type { PartitionOffsets } from '../../../core/kafka/offsets/offsets-reader.ts';
import { createStandstill } from '../../../scaler/backlog/standstill.ts';

const at = (committed: bigint | undefined, end: bigint): PartitionOffsets => ({
  topic: 'orders',
  partition: 0,
  logStart: 0n,
  end,
  committed: committed === undefined ? undefined : { offset: committed, metadata: '' },
});

t.test(
  'a partition stands still once its offset has not moved for as long, while there was something to do',
  async (t) => {
    const standstill = createStandstill(15);
    const stands: [nowMs: number, partition: PartitionOffsets, stands: boolean][] = [
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
    for (const [nowMs, partition, expected] of stands) {
      standstill.observe([partition], nowMs);
      t.equal(standstill.has(partition), expected, `at ${nowMs}`);
    }
  },
);
