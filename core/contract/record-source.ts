// The port that reads records from Kafka and commits progress: a member of the trigger's consumer group.
import type { KafkaRecord, TopicPartition } from './record.ts';
import type { OutgoingRecord, StoredAt } from './record-sink.ts';
import type { Subscription } from './subscription.ts';

export interface PartitionOffset extends TopicPartition {
  readonly offset: bigint;
}

/** The progress in a partition: the offset to commit, and the progress mark (progress-mark.ts) as its metadata. */
export interface PartitionProgress extends PartitionOffset {
  readonly metadata: string;
}

/** How a transaction ended. Unless it is `committed`, nothing is stored, and nothing committed. */
export type TransactionOutcome =
  | { readonly kind: 'committed'; readonly storedAt: readonly StoredAt[] }
  /** A broker refuses the records for `topic`: `isOfOneRecord` says whether because of a single record, or any record for the topic. */
  | {
      readonly kind: 'refused';
      readonly topic: string;
      readonly isOfOneRecord: boolean;
      readonly error: Error;
    }
  /** It may be retried, unless the partition is closed meanwhile. */
  | { readonly kind: 'aborted'; readonly error: Error };

export type SourceState =
  | { readonly kind: 'starting'; readonly reason: string }
  | { readonly kind: 'consuming'; readonly partitions: readonly TopicPartition[] }
  | { readonly kind: 'failing'; readonly reason: string; readonly error: Error };

/** A fault that a record source found and repaired by itself. */
export type SourceNotice =
  | {
      readonly kind: 'rebuilt';
      readonly reason: 'crashed' | 'stalled' | 'joining' | 'topics';
      readonly detail: string;
    }
  /** From `offset` on, `count` offsets do not exist any more: retention deleted them before they were read. */
  | { readonly kind: 'skipped'; readonly at: PartitionOffset; readonly count: bigint }
  /** The topic was deleted and created again: what was in flight is void, and all of its records are backlog. */
  | { readonly kind: 'recreated'; readonly topic: string; readonly before: string; readonly now: string }
  /** The log ends before `position`: the brokers lost records. Reading continues at `offset`. */
  | { readonly kind: 'truncated'; readonly at: PartitionOffset; readonly position: bigint };

/**
 * The callbacks of a record source, always in this order per partition: `open`, `records`…, possibly `release`, `close`. None of them may
 * throw.
 */
export interface RecordListener {
  /** `start.metadata` is the metadata that the group has committed with the offset. */
  open(partition: TopicPartition, start: Pick<PartitionProgress, 'offset' | 'metadata'>): void;
  /** `nextOffset` is past the batch, control records and compacted ones included. Never blocks. */
  records(partition: TopicPartition, records: KafkaRecord[], nextOffset: bigint): void;
  /**
   * These partitions will be closed: no new attempts of their records start. Resolves when what was in flight is settled and committed, or
   * when the owner's time limit is over.
   */
  release(partitions: readonly TopicPartition[]): Promise<void>;
  /** From now on another member has the partition: none of its records may be settled any more. */
  close(partition: TopicPartition): void;
  /** The group accepts commits again, and the lease is renewed: what waited for either continues. */
  resume(): void;
  state(state: SourceState): void;
  noticed(notice: SourceNotice): void;
}

/** The source of records. The interface is narrow, so that a sleeping trigger need not have a consumer of its own. */
export interface RecordSource {
  /**
   * In ms of `performance.now()`: until then no other member can have the partitions of this one. After that, an attempt that starts here
   * may be started by another member as well.
   */
  readonly leaseEndMs: number;
  /** The most bytes that the brokers accept as metadata of a commit, as far as it is known. */
  readonly markBytes: number;
  start(): void;
  pause(partition: TopicPartition): void;
  unpause(partition: TopicPartition): void;
  /** Resolves when Kafka has committed it; rejects if it did not (rebalance, fencing, unreachable broker). */
  commit(progress: readonly PartitionProgress[]): Promise<void>;
  /**
   * Stores `records`, in this order, and commits `progress`, in one transaction: readers of committed records see both or neither. Only for
   * a subscription whose replies are transactional. Call it once at a time for a partition, without a `commit` of it meanwhile. Resolves
   * when the outcome is known, however long that takes; never rejects.
   */
  commitWith(progress: PartitionProgress, records: readonly OutgoingRecord[]): Promise<TransactionOutcome>;
  /** Leaves the group, after `release` of all partitions. When it resolves, every partition is closed. */
  stop(): Promise<void>;
}

export type CreateRecordSource = (subscription: Subscription, listener: RecordListener) => RecordSource;
