// The port that reads records from Kafka and commits progress: a member of the trigger's consumer group.
import type { KafkaRecord, TopicPartition } from './record.ts';
import type { OutgoingRecord, RecordSink, StoredAt } from './record-sink.ts';
import type { UnreadableBatch } from './skip.ts';
import type { Subscription } from './subscription.ts';

export interface PartitionOffset extends TopicPartition {
  readonly offset: bigint;
}

/** The progress in a partition: the offset to commit, and the progress mark (progress-mark.ts) as its metadata. */
export interface PartitionProgress extends PartitionOffset {
  readonly metadata: string;
  /** Of the last record before the offset (KIP-320), or a later one in which the log still held that record; absent where it is not known. */
  readonly leaderEpoch?: number | undefined;
}

/** The group has refused what is of these topics (`cause` says why), and has taken the rest. */
export class CommitRefused extends Error {
  readonly topics: ReadonlySet<string>;
  readonly stored: readonly PartitionProgress[];

  constructor(topics: ReadonlySet<string>, stored: readonly PartitionProgress[], cause: unknown) {
    super(`the group takes no offsets of ${[...topics].join(', ')}`, { cause });
    this.topics = topics;
    this.stored = stored;
  }
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
      readonly reason: 'crashed' | 'joining' | 'topics';
      readonly detail: string;
    }
  /** From `offset` on, `count` offsets do not exist any more: retention deleted them before they were read. */
  | { readonly kind: 'skipped'; readonly at: PartitionOffset; readonly count: bigint }
  /** The topic was deleted and created again: what was in flight is void, and all of its records are backlog. */
  | { readonly kind: 'recreated'; readonly topic: string; readonly before: string; readonly now: string }
  /** The log ends before `position`: the brokers lost records. Reading continues at `offset`. */
  | { readonly kind: 'truncated'; readonly at: PartitionOffset; readonly position: bigint }
  /**
   * The mark beside the group's offset is of another log, or nothing proves that it is of this one: the `count` records that it calls settled
   * are delivered again, from `at` on. `count` is undefined where the mark cannot be read.
   */
  | { readonly kind: 'unproved'; readonly at: PartitionOffset; readonly count: bigint | undefined }
  /** The group had committed `position`, which the log never reached: it is another log by this name. Reading begins at `offset`. */
  | { readonly kind: 'reset'; readonly at: PartitionOffset; readonly position: bigint };

/**
 * The callbacks of a record source, always in this order per partition: `open`, `records`…, possibly `release`, `close`. None of them
 * throws or rejects.
 */
export interface RecordListener {
  /**
   * `start.metadata` is the progress mark that the group has committed with the offset, as far as it is proved to be of this log; it names the
   * log.
   */
  open(partition: TopicPartition, start: Pick<PartitionProgress, 'offset' | 'metadata'>): void;
  /**
   * How much of the partition there is room for, in bytes as `recordBytes` counts them: asked before it is fetched, and before what was fetched is
   * unpacked. 0 where it has been paused instead. `records` may bring more than that: a record, or a part of a large batch. Absent: any.
   */
  room?(partition: TopicPartition): number;
  /**
   * `nextOffset` is past the batch, control records and compacted ones included. `leaderEpoch`: of the last of the batch; absent where it is
   * not known. Never blocks.
   */
  records(partition: TopicPartition, records: KafkaRecord[], nextOffset: bigint, leaderEpoch?: number): void;
  /**
   * The next batch of the partition cannot be read: nothing of the partition comes until it can, or the owner calls `pass`. Undefined when
   * nothing is known any more to be unreadable there. What cannot be read is tried again by the source.
   */
  unreadable(partition: TopicPartition, batch: UnreadableBatch | undefined): void;
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
  /** An exception that nobody expected, in the source itself. The owner stops the source. */
  failed(fault: Error): void;
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
  /** Goes on at `nextOffset`: the owner has settled what stands before it. Does nothing for a partition that is being let go of. */
  pass(partition: TopicPartition, nextOffset: bigint): void;
  /**
   * Resolves when Kafka has committed it; rejects if it did not (rebalance, fencing, unreachable broker), with `CommitRefused` where that is up
   * to some of the topics.
   */
  commit(progress: readonly PartitionProgress[]): Promise<void>;
  /**
   * Stores `records`, in this order, and commits `progress`, in one transaction: readers of committed records see both or neither. Only for
   * a subscription whose replies are transactional. Call it once at a time for a partition, without a `commit` of it meanwhile. Resolves
   * when the outcome is known, however long that takes; never rejects.
   */
  commitWith(progress: PartitionProgress, records: readonly OutgoingRecord[]): Promise<TransactionOutcome>;
  /** Leaves the group, after `release` of all partitions. When it resolves, every partition is closed. Never rejects. */
  stop(): Promise<void>;
}

export type CreateRecordSource = (subscription: Subscription, listener: RecordListener) => RecordSource;

/** What a trigger has open of its Kafka cluster. Triggers of one cluster share its connections. */
export interface OpenedCluster {
  readonly createSource: CreateRecordSource;
  /** Where the dead letters and replies of the trigger go: the cluster that it reads. */
  readonly sink: RecordSink;
  /** After the source has stopped. The last trigger of a cluster closes the connections, once its writes are answered. Idempotent. */
  close(): Promise<void>;
}

export type OpenCluster = (subscription: Subscription) => OpenedCluster;
