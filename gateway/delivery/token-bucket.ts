// A token bucket: at most `burst` at once, and `eventsPerSecond` in the long run. Pure; the caller has the clock.
import type { RateLimit } from '../../core/contract/subscription.ts';

/** What additions of fractions of a token may have lost. */
const rounding = 1e-6;

export class TokenBucket {
  readonly burst: number;
  readonly #perMs: number;
  #tokens: number;
  #filledMs: number;

  /** It is full at `nowMs`. */
  constructor({ eventsPerSecond, burst }: RateLimit, nowMs: number) {
    this.burst = burst;
    this.#perMs = eventsPerSecond / 1000;
    this.#tokens = burst;
    this.#filledMs = nowMs;
  }

  /** Whole tokens at `nowMs`. */
  available(nowMs: number): number {
    this.#fill(nowMs);
    return Math.floor(this.#tokens + rounding);
  }

  /** Takes `count` tokens, which must be available. */
  take(count: number): void {
    this.#tokens = Math.max(0, this.#tokens - count);
  }

  /** Milliseconds from `nowMs` until `count` tokens are there; `count` must not be above `burst`. */
  msUntil(count: number, nowMs: number): number {
    this.#fill(nowMs);
    return Math.max(0, (count - this.#tokens) / this.#perMs);
  }

  /** Tokens that come in `ms`. */
  in(ms: number): number {
    return ms * this.#perMs;
  }

  #fill(nowMs: number): void {
    this.#tokens = Math.min(this.burst, this.#tokens + Math.max(0, nowMs - this.#filledMs) * this.#perMs);
    this.#filledMs = Math.max(nowMs, this.#filledMs);
  }
}
