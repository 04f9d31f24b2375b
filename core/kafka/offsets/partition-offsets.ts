// What is asked about the partitions of a consumer group, and what is known of them.
import type { MillraceError } from '../../contract/errors.ts';
import type { KafkaAccess } from '../../contract/kafka-access.ts';
import type { MarkedLog } from '../../contract/marks/progress-mark.ts';
import type { TopicPartition } from '../../contract/record.ts';
import type { TopicRight } from '../connection/topology.ts';
import type { CommittedProgress } from './offset-exchange.ts';

/** The offsets that one consumer group has to do with. */
export interface OffsetsQuery {
  /** For whoever reads of several clusters: the cluster, where it is not the own one. */
  readonly access?: KafkaAccess | undefined;
  readonly group: string;
  readonly topics: readonly string[];
  /** Of the topics, these partitions alone. */
  readonly partitions?: readonly number[] | undefined;
  /** A `topicPattern` of a trigger; internal topics never match. */
  readonly topicPattern?: string | undefined;
  /** Besides, all topics that the group has committed offsets in. */
  readonly committedTopics?: boolean | undefined;
  /** Failed, with MILLRACE_KAFKA_FORBIDDEN, where Kafka says that our user lacks this right to one of the topics. */
  readonly right?: TopicRight | undefined;
  /** Where partitions without a committed offset begin, by time; looked up for those only. */
  readonly startTimestampMs?: number | undefined;
}

export interface PartitionOffsets extends TopicPartition {
  /** The oldest offset that is still there. */
  readonly logStart: bigint;
  /** The last stable offset: one past the last record that may be delivered. */
  readonly end: bigint;
  /** Absent where the group has committed nothing. */
  readonly committed?: CommittedProgress | undefined;
  /** The log as it is now; absent where brokers have no ids. */
  readonly log?: MarkedLog | undefined;
  /**
   * Where this log left the leader epoch that the mark or the commit names; -1 where it never had that epoch, or the epoch is yet to come;
   * absent where the epoch is that of the leader, or none is named.
   */
  readonly epochEnd?: bigint | undefined;
  /**
   * One past the last record, whether or not it may be delivered; present where the committed offset or its mark goes beyond `end`, which
   * is so behind an open transaction for consumers that read uncommitted records, and in another log than the one that was committed for.
   */
  readonly highWatermark?: bigint | undefined;
  /**
   * The first offset at or after `startTimestampMs`; present where that was asked for and nothing is
   * committed.
   */
  readonly atStartTimestamp?: bigint | undefined;
}

export type OffsetsResult =
  | { readonly kind: 'read'; readonly partitions: readonly PartitionOffsets[] }
  | { readonly kind: 'failed'; readonly error: MillraceError };
