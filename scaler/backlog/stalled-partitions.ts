// Which partitions of a consumer group are stalled: they lag, and their committed offset has not moved for a while. Pure.
import type { PartitionOffsets } from '../../core/kafka/offsets/partition-offsets.ts';

export interface StalledPartitions {
  /** Call it after every poll, with all partitions. `nowMs` never decreases. */
  observe(partitions: readonly PartitionOffsets[], nowMs: number): void;
  has(partition: PartitionOffsets): boolean;
}

interface Progress {
  readonly offset: bigint;
  /** When the offset was first seen. */
  readonly sinceMs: number;
  readonly isStalled: boolean;
}

/** `afterMs`: for how long a committed offset must not have moved. */
export function createStalledPartitions(afterMs: number): StalledPartitions {
  let known = new Map<string, Progress>();
  return {
    observe(partitions, nowMs) {
      const seen = new Map<string, Progress>();
      for (const { topic, partition, committed, end } of partitions) {
        if (committed === undefined || committed.offset >= end) continue;
        const name = `${topic}/${partition}`;
        const before = known.get(name);
        const isSame = before?.offset === committed.offset;
        const sinceMs = before !== undefined && isSame ? before.sinceMs : nowMs;
        seen.set(name, {
          offset: committed.offset,
          sinceMs,
          isStalled: isSame && nowMs - sinceMs >= afterMs,
        });
      }
      known = seen;
    },
    has: ({ topic, partition }) => known.get(`${topic}/${partition}`)?.isStalled ?? false,
  };
}
