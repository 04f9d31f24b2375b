// A token bucket: at most `burst` events at once, and `eventsPerSecond` in the long run. Pure: the caller passes the time.
import type { RateLimit } from '../contract/subscription.ts';

/** Tolerance for rounding errors from adding fractions of a token. */
const rounding = 1e-6;

export class TokenBucket {
  readonly burst: number;
  readonly #perMs: number;
  #tokens: number;
  #filledMs: number;

  /** The bucket is full at `nowMs`. */
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

  /** Removes `count` tokens, which must be available. */
  take(count: number): void {
    this.#tokens = Math.max(0, this.#tokens - count);
  }

  /** Milliseconds from `nowMs` until `count` tokens are available; `count` must not be above `burst`. */
  msUntil(count: number, nowMs: number): number {
    this.#fill(nowMs);
    return Math.max(0, (count - this.#tokens) / this.#perMs);
  }

  /** How many tokens are added in `ms`. */
  in(ms: number): number {
    return ms * this.#perMs;
  }

  #fill(nowMs: number): void {
    this.#tokens = Math.min(this.burst, this.#tokens + Math.max(0, nowMs - this.#filledMs) * this.#perMs);
    this.#filledMs = Math.max(nowMs, this.#filledMs);
  }
}
