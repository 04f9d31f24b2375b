// The port through which records are stored in Kafka: dead letters and replies.
import type { RecordHeader, TopicPartition } from './record.ts';

/** Where a record was stored. */
export interface StoredAt extends TopicPartition {
  /** -1 where the broker says that it has the record already, and not where. */
  readonly offset: bigint;
}

export interface OutgoingRecord {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  readonly timestampMs?: number | undefined;
}

/** Stores records. `write` resolves when all in-sync replicas have the record. It rejects if the outcome is unknown, and may be called again. */
export interface RecordSink {
  write(record: OutgoingRecord): Promise<StoredAt>;
}
