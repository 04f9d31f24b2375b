// The port through which records come from Kafka and progress goes back: a member of the trigger's consumer group.
import type { KafkaRecord, TopicPartition } from './record.ts';
import type { OutgoingRecord, StoredAt } from './record-sink.ts';
import type { Subscription } from './subscription.ts';

export interface PartitionOffset extends TopicPartition {
  readonly offset: bigint;
}

/** How far a partition has come: the offset to commit, and the progress mark (progress-mark.ts) that goes with it. */
export interface PartitionProgress extends PartitionOffset {
  readonly metadata: string;
}

/** How a transaction ended. Of all but `committed`, nothing is stored, and nothing committed. */
export type TransactionOutcome =
  | { readonly kind: 'committed'; readonly storedAt: readonly StoredAt[] }
  /** A broker does not take what was to go to `topic`: because of a single record in it, or whatever goes there. */
  | {
      readonly kind: 'refused';
      readonly topic: string;
      readonly isOfOneRecord: boolean;
      readonly error: Error;
    }
  /** It may be tried again, unless the partition is closed meanwhile. */
  | { readonly kind: 'aborted'; readonly error: Error };

export type SourceState =
  | { readonly kind: 'starting'; readonly reason: string }
  | { readonly kind: 'consuming'; readonly partitions: readonly TopicPartition[] }
  | { readonly kind: 'failing'; readonly reason: string; readonly error: Error };

/** What a record source came upon and mended by itself. */
export type SourceNotice =
  | {
      readonly kind: 'rebuilt';
      readonly reason: 'crashed' | 'stalled' | 'joining' | 'topics';
      readonly detail: string;
    }
  /** From `offset` on, `count` offsets are not there any more: history was deleted before it was read. */
  | { readonly kind: 'skipped'; readonly at: PartitionOffset; readonly count: bigint }
  /** The topic was deleted and created again: what was under way is void, and all that is in it now is owed. */
  | { readonly kind: 'recreated'; readonly topic: string; readonly before: string; readonly now: string }
  /** The log ends before `position`: brokers lost what was written. Read again from `offset` on. */
  | { readonly kind: 'truncated'; readonly at: PartitionOffset; readonly position: bigint };

/**
 * What a record source tells its owner, always in this order per partition: `open`, `records`…, perhaps `release`, `close`.
 * None of it may throw.
 */
export interface RecordListener {
  /** `start.metadata` is what the group has committed with the offset. */
  open(partition: TopicPartition, start: Pick<PartitionProgress, 'offset' | 'metadata'>): void;
  /** `nextOffset` is past the batch, control records and compacted ones included. Never blocks. */
  records(partition: TopicPartition, records: KafkaRecord[], nextOffset: bigint): void;
  /**
   * These are to be closed: nothing new of them is started. Resolves when what was in flight is settled and committed, or the
   * owner's limit is over.
   */
  release(partitions: readonly TopicPartition[]): Promise<void>;
  /** The partition is another member's from here on: nothing of it may be settled any more. */
  close(partition: TopicPartition): void;
  /** The group takes commits again, and the lease is fresh: what waited for either goes on. */
  resume(): void;
  state(state: SourceState): void;
  noticed(notice: SourceNotice): void;
}

/** Where records come from: narrow, so that a sleeping trigger need not have a consumer of its own. */
export interface RecordSource {
  /**
   * In ms of `performance.now()`: until then nobody else can have been given what this member has. What is started later may
   * be started by another member as well.
   */
  readonly leaseEndMs: number;
  /** Most bytes that the brokers take as metadata of a commit, as far as it is known. */
  readonly markBytes: number;
  start(): void;
  pause(partition: TopicPartition): void;
  unpause(partition: TopicPartition): void;
  /** Resolves when Kafka has it; rejects when the group did not take it (rebalance, fencing, broker away). */
  commit(progress: readonly PartitionProgress[]): Promise<void>;
  /**
   * Stores `records`, in this order, and commits `progress`: both or neither, for readers of committed records. Only for a
   * subscription whose replies are transactional; one at a time of a partition, and no `commit` of it meanwhile. Resolves when
   * the outcome is known, however long that takes; never rejects.
   */
  commitWith(progress: PartitionProgress, records: readonly OutgoingRecord[]): Promise<TransactionOutcome>;
  /** Leaves the group, after `release` of all; every partition is closed when it resolves. */
  stop(): Promise<void>;
}

export type CreateRecordSource = (subscription: Subscription, listener: RecordListener) => RecordSource;
