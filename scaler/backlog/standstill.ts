// Which partitions of a group stand still: they lag, and their committed offset has not moved for a while.
import type { PartitionOffsets } from '../../core/kafka/offsets/offsets-reader.ts';

export interface Standstill {
  /** At every look, of all partitions; `nowMs` never goes back. */
  observe(partitions: readonly PartitionOffsets[], nowMs: number): void;
  has(partition: PartitionOffsets): boolean;
}

interface Stand {
  readonly offset: bigint;
  readonly sinceMs: number;
  readonly stands: boolean;
}

/** `afterMs`: how long an offset must not have moved. */
export function createStandstill(afterMs: number): Standstill {
  let known = new Map<string, Stand>();
  return {
    observe(partitions, nowMs) {
      const seen = new Map<string, Stand>();
      for (const { topic, partition, committed, end } of partitions) {
        if (committed === undefined || committed.offset >= end) continue;
        const name = `${topic}/${partition}`;
        const before = known.get(name);
        const isSame = before?.offset === committed.offset;
        const sinceMs = before !== undefined && isSame ? before.sinceMs : nowMs;
        seen.set(name, { offset: committed.offset, sinceMs, stands: isSame && nowMs - sinceMs >= afterMs });
      }
      known = seen;
    },
    has: ({ topic, partition }) => known.get(`${topic}/${partition}`)?.stands ?? false,
  };
}
