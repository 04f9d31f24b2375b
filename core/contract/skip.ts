// Skipping a record, which settles it at an operator's request: the request, the answer, and the command.
import type { CloudEvent } from './event.ts';
import type { KafkaRecord, TopicPartition } from './record.ts';
import type { DeadLetterCause, Settlement } from './settlement.ts';

/** The position of a record. */
export interface Place extends TopicPartition {
  readonly offset: bigint;
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
export type SkipRefusal = 'elsewhere' | 'ambiguous' | 'settled' | 'not-fetched' | 'ahead' | 'twice' | 'left';

/** What is known of a record that is skipped, so that nothing is lost with it. */
export interface SkipTrace {
  readonly record: KafkaRecord;
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

/** A record that blocks its lane. */
export interface BlockedRecord extends Place {
  /** Undefined if the record has no key. */
  readonly keyBytes: number | undefined;
  readonly cause: DeadLetterCause;
  readonly sinceMs: number;
}

/** The shell command that skips a record of the trigger `key`. */
export function skipCommand(key: string, { topic, partition, offset }: Place): string {
  return `millrace skip ${key} --topic ${topic} --partition ${partition} --offset ${offset}`;
}
