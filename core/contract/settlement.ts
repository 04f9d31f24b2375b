// The settlement of a record, which is final, and the outcomes of the attempts before it.
import type { CloudEvent } from './event.ts';

/** Why a record was dead-lettered; the value of the header `millrace-reason`. */
export type DeadLetterReason =
  'exhausted' | 'rejected' | 'expired' | 'undecodable' | 'skipped' | 'unreadable';

/** The final outcome of a record. Only a settlement allows its offset to be committed (docs/delivery-semantics.md). */
export type Settlement =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'filtered' }
  /** An operator skipped it (skip.ts). */
  | { readonly kind: 'skipped' }
  | {
      readonly kind: 'dead-lettered';
      readonly reason: DeadLetterReason;
      readonly topic: string;
      readonly partition: number;
      readonly offset: bigint;
    };

/**
 * How one request ended. `delivered` carries the reply, and for a batch the ids of the events that failed in it.
 * `unreachable`: no byte reached the function (refused, no route): the records are held and no attempt is charged.
 */
export type AttemptOutcome =
  | {
      readonly kind: 'delivered';
      readonly status: number;
      readonly reply?: CloudEvent | undefined;
      readonly failedIds?: ReadonlySet<string> | undefined;
    }
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly status?: number | undefined;
      readonly retryAfterMs?: number | undefined;
    }
  | { readonly kind: 'rejected'; readonly reason: string; readonly status?: number | undefined }
  | { readonly kind: 'unreachable'; readonly reason: string; readonly code?: string | undefined };

/** What a dead letter says about its record, besides the record's own bytes. */
export interface DeadLetterCause {
  readonly reason: DeadLetterReason;
  readonly detail: string;
  readonly status?: number | undefined;
  readonly attempts: number;
}
