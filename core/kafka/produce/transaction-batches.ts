// The records of a transaction as batches: each partition has its own, one after the other.
import type { OutgoingRecord } from '../../contract/record-sink.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import type { OffsetFailure } from '../offsets/offset-failures.ts';
import { countOfBatch, requestBytes } from './outgoing.ts';
import { createPartitioner } from './partitioner.ts';
import type { LeaderLookup } from './leader-lookup.ts';

interface Placed {
  readonly record: OutgoingRecord;
  /** Among the records of the transaction. */
  readonly index: number;
  readonly bytes: number;
}

export interface PartitionBatches extends TopicPartition {
  readonly name: string;
  /** In the order of the records. */
  readonly batches: (readonly Placed[])[];
}

export type BatchedRecords =
  | { readonly kind: 'placed'; readonly partitions: readonly PartitionBatches[] }
  | { readonly kind: 'refused'; readonly topic: string; readonly failure: OffsetFailure };

/** Never rejects. */
export async function batchRecords(
  leaders: LeaderLookup,
  records: readonly OutgoingRecord[],
): Promise<BatchedRecords> {
  const indexed = records.map((record, index) => ({ record, index, bytes: requestBytes(record) }));
  const partitions: PartitionBatches[] = [];
  for (const [topic, placed] of Map.groupBy(indexed, ({ record }) => record.topic)) {
    const found = await leaders.ofTopic(topic);
    if ('error' in found) return { kind: 'refused', topic, failure: found };
    const partitionOf = createPartitioner();
    for (const [partition, left] of Map.groupBy(placed, ({ record: { key } }) => partitionOf(key, found))) {
      const batches: Placed[][] = [];
      while (left.length > 0) batches.push(left.splice(0, countOfBatch(left)));
      partitions.push({ topic, partition, name: partitionName({ topic, partition }), batches });
    }
  }
  return { kind: 'placed', partitions };
}
