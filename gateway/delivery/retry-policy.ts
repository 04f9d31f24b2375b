// When a failed attempt is repeated: a pure function of the settings, the attempts so far and a random number.
import type { RetrySettings } from '../../core/contract/subscription.ts';

/** More doublings change nothing: by then any delay is above every cap. */
const maxDoublings = 1_000;

/**
 * Milliseconds until the next attempt, or `exhausted` where `settings.retry` (attempts after the first; -1: no limit) is used
 * up. `attemptsMade` counts from 1. As in Knative's delivery spec, the delay is linear (delay × attempts) or exponential
 * (delay × 2^(attempts − 1)). It is capped at `backoffMaxMs` and has full jitter: a whole number in (0, delay]. A `Retry-After`
 * is a minimum, honoured up to `retryAfterMaxMs`.
 *
 * @param random as `Math.random`: in [0, 1)
 */
export function nextDelayMs(
  settings: RetrySettings,
  attemptsMade: number,
  random: () => number,
  retryAfterMs?: number,
): number | 'exhausted' {
  if (settings.retry !== -1 && attemptsMade > settings.retry) return 'exhausted';
  const factor =
    settings.backoffPolicy === 'linear' ? attemptsMade : 2 ** Math.min(attemptsMade - 1, maxDoublings);
  const delay = Math.min(settings.backoffDelayMs * factor, settings.backoffMaxMs);
  const jittered = Math.ceil(delay * (1 - random()));
  return retryAfterMs === undefined
    ? jittered
    : Math.max(jittered, Math.min(retryAfterMs, settings.retryAfterMaxMs));
}
