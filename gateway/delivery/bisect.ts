// Finds the event that makes a batch fail as a whole: the batch is halved until that event is alone. Only then is the event
// charged with an attempt, or rejected. Pure.
import type { AttemptOutcome } from '../../core/contract/settlement.ts';
import type { RetrySettings } from '../../core/contract/subscription.ts';

/**
 * True where one event may have made the others fail: a rejection, a server error, or no complete answer. 429 and 503 are about the
 * load of the function. A 2xx that is retried is about the answer. Neither is about an event.
 */
export function failsAsWhole(outcome: AttemptOutcome): boolean {
  switch (outcome.kind) {
    case 'delivered':
    case 'unreachable':
      return false;
    case 'rejected':
      return true;
    case 'retry': {
      const { status } = outcome;
      return status === undefined || (status >= 300 && status !== 429 && status !== 503);
    }
  }
}

/** `events`, at least 2, failed together: at most this many of them go together next. */
export function halfOf(events: number): number {
  return Math.ceil(events / 2);
}

/**
 * Milliseconds until the halves are sent, with full jitter: a whole number in (0, backoffDelay]. The delay does not grow, because
 * each round has batches of half the size.
 *
 * @param random as `Math.random`: in [0, 1)
 */
export function bisectDelayMs({ backoffDelayMs, backoffMaxMs }: RetrySettings, random: () => number): number {
  return Math.ceil(Math.min(backoffDelayMs, backoffMaxMs) * (1 - random()));
}
