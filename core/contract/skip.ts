// Skipping a record, or a batch that cannot be read, which settles it at an operator's request: the request, the answer, and the command.
import type { CloudEvent } from './event.ts';
import { partitionName, type KafkaRecord, type TopicPartition } from './record.ts';
import type { DeadLetterCause, Settlement } from './settlement.ts';

/** The position of a record. */
export interface Place extends TopicPartition {
  readonly offset: bigint;
}

/** Records that cannot be read, because their batch is damaged. They are skipped together, by the first offset, or not at all. */
export interface UnreadableBatch extends Place {
  /** Undefined where the batch does not tell: then it cannot be skipped. */
  readonly lastOffset: bigint | undefined;
  /** What is wrong with it. It continues "the batch cannot be read: ". */
  readonly why: string;
  /** Its bytes as they came from the broker, or as many of the first ones as are kept. */
  readonly bytes: Buffer;
  /** How many bytes the batch has. */
  readonly size: number;
}

export interface SkipRequest {
  /** May be left out if this gateway has a partition of that number of one topic only. */
  readonly topic?: string | undefined;
  readonly partition: number;
  readonly offset: bigint;
  /** The reason, in the operator's words. */
  readonly reason: string;
  /** The operator, as far as known. */
  readonly by: string;
  /** False: no dead letter is stored, even if the trigger has a topic for them. */
  readonly deadLetter: boolean;
  /** How long the answer waits for an attempt in flight, or for records before it, in ms. */
  readonly waitMs: number;
}

/** Why a record is not skipped. `elsewhere`: another gateway may have its partition. */
export type SkipRefusal =
  'elsewhere' | 'ambiguous' | 'settled' | 'not-fetched' | 'ahead' | 'unreadable' | 'twice' | 'left';

/** What is known of a record that is skipped, so that nothing is lost with it. */
export interface SkipTrace {
  /** In place of a batch, a record that has the batch's bytes as its value. */
  readonly record: KafkaRecord;
  readonly batch?: UnreadableBatch | undefined;
  /** The number of requests that carried it. */
  readonly attempts: number;
  /** Why it was not delivered before, if that is known. */
  readonly cause?: DeadLetterCause | undefined;
  readonly deadLetter?: Place | undefined;
  /** The reply of the function, if the record was delivered but its reply could not be stored. */
  readonly reply?: CloudEvent | undefined;
}

/**
 * `settled`: by the skip, or by an attempt that was in flight. `pending`: it will be settled, unless another gateway gets its partition
 * before.
 */
export type SkipAnswer =
  | { readonly kind: 'settled'; readonly settlement: Settlement['kind']; readonly trace: SkipTrace }
  | { readonly kind: 'pending'; readonly why: string; readonly trace: SkipTrace }
  | { readonly kind: 'refused'; readonly refusal: SkipRefusal; readonly why: string };

/** A record that blocks its lane, or the first one of a batch that cannot be read, which nothing of its partition passes. */
export interface BlockedRecord extends Place {
  /** Of the batch; absent for a record. */
  readonly lastOffset?: bigint | undefined;
  /** Undefined if the record has no key. */
  readonly keyBytes: number | undefined;
  readonly cause: DeadLetterCause;
  readonly sinceMs: number;
}

/** The shell command that skips a record of the trigger `key`, or the batch that begins there. */
export function skipCommand(key: string, { topic, partition, offset }: Place): string {
  return `millrace skip ${key} --topic ${topic} --partition ${partition} --offset ${offset}`;
}

/** Where an unreadable batch stands, what is wrong with it, and what can be done about it. */
export function unreadableText(key: string, batch: Omit<UnreadableBatch, 'bytes' | 'size'>): string {
  const { offset, lastOffset, why } = batch;
  const offsets =
    lastOffset === undefined ? `at offset ${offset}` : `of the offsets ${offset} to ${lastOffset}`;
  const remedy =
    lastOffset === undefined
      ? 'it does not tell where it ends, so it can be passed once more is written behind it'
      : `pass it with: ${skipCommand(key, batch)}`;
  return `the batch ${offsets} of ${partitionName(batch)} cannot be read: ${why}; ${remedy}`;
}
