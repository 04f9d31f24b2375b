// A record that is settled because somebody says so: what is asked, what is answered, and how a user asks it.
import type { CloudEvent } from './event.ts';
import type { KafkaRecord, TopicPartition } from './record.ts';
import type { DeadLetterCause, Settlement } from './settlement.ts';

/** A record's place. */
export interface Place extends TopicPartition {
  readonly offset: bigint;
}

export interface SkipRequest {
  /** May be left out where only one topic's partition of that number is here. */
  readonly topic?: string | undefined;
  readonly partition: number;
  readonly offset: bigint;
  /** Why, in the words of who asks. */
  readonly reason: string;
  /** Who asks, as far as it is known. */
  readonly by: string;
  /** False: no dead letter is stored, even where the trigger has a topic for them. */
  readonly deadLetter: boolean;
  /** How long the answer waits for what is under way, or stands before it, in ms. */
  readonly waitMs: number;
}

/** Why a record is not skipped. `elsewhere`: another gateway may have it. */
export type SkipRefusal = 'elsewhere' | 'ambiguous' | 'settled' | 'not-fetched' | 'ahead' | 'twice' | 'left';

/** What is left of a record that was to be skipped, so that nothing is lost with it. */
export interface SkipTrace {
  readonly record: KafkaRecord;
  /** Requests that carried it. */
  readonly attempts: number;
  /** Why it was not delivered before, where that is known. */
  readonly cause?: DeadLetterCause | undefined;
  readonly deadLetter?: Place | undefined;
  /** It was delivered and answered with this, which could not be stored. */
  readonly reply?: CloudEvent | undefined;
}

/**
 * `settled`: by the skip, or by what was under way when it came. `pending`: it will be settled, unless its partition leaves
 * this gateway before.
 */
export type SkipAnswer =
  | { readonly kind: 'settled'; readonly settlement: Settlement['kind']; readonly trace: SkipTrace }
  | { readonly kind: 'pending'; readonly why: string; readonly trace: SkipTrace }
  | { readonly kind: 'refused'; readonly refusal: SkipRefusal; readonly why: string };

/** A record that blocks its lane. */
export interface BlockedRecord extends Place {
  /** Undefined where it has none. */
  readonly keyBytes: number | undefined;
  readonly cause: DeadLetterCause;
  readonly sinceMs: number;
}

/** How a user skips a record of the trigger `key`, to be copied to a shell. */
export function skipCommand(key: string, { topic, partition, offset }: Place): string {
  return `millrace skip ${key} --topic ${topic} --partition ${partition} --offset ${offset}`;
}
