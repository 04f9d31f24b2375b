// Which event of a batch makes it fail as a whole: the batch is halved until that one stands alone. Only then is it charged with
// an attempt, or rejected. Pure.
import type { AttemptOutcome } from '../../core/contract/settlement.ts';
import type { RetrySettings } from '../../core/contract/subscription.ts';

/**
 * True where one event may have spoiled it for the others: rejected, a server error, no whole answer. 429 and 503 speak of the
 * function's load, and a 2xx that is tried again of the answer, not of an event.
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

/** How many of `events`, at least two, that failed together may go together again. */
export function halfOf(events: number): number {
  return Math.ceil(events / 2);
}

/**
 * Milliseconds until the halves go, with full jitter: a whole number in (0, backoffDelay]. It does not grow, for each round is
 * half as large as the one before.
 *
 * @param random as `Math.random`: in [0, 1)
 */
export function bisectDelayMs({ backoffDelayMs, backoffMaxMs }: RetrySettings, random: () => number): number {
  return Math.ceil(Math.min(backoffDelayMs, backoffMaxMs) * (1 - random()));
}
