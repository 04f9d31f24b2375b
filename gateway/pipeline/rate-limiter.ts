// Decides when the next batch may be sent under the trigger's rate limit. It has at most one timer, and none without a limit.
import type { Subscription } from '../../core/contract/subscription.ts';
import type { Lanes } from '../delivery/lanes.ts';
import { TokenBucket } from '../../core/network/token-bucket.ts';
import type { PendingRecord } from './pending-record.ts';

export class RateLimiter {
  readonly #bucket: TokenBucket | undefined;
  readonly #onDue: () => void;
  /** A batch waits for tokens for this many events, if so many are ready: it is not sent with the first token. */
  readonly #worthWaitingFor: number;
  #timer: NodeJS.Timeout | undefined;

  constructor({ delivery, function: settings }: Subscription, onDue: () => void) {
    const { rateLimit } = delivery;
    this.#onDue = onDue;
    this.#worthWaitingFor = 1;
    if (rateLimit === undefined) return;
    this.#bucket = new TokenBucket(rateLimit, performance.now());
    if (settings.contentMode !== 'batched') return;
    const { maxEvents, maxWaitMs } = settings.batch;
    const inWait = Math.ceil(this.#bucket.in(maxWaitMs));
    this.#worthWaitingFor = Math.max(1, Math.min(maxEvents, rateLimit.burst, inWait));
  }

  /** True while records wait for tokens. */
  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  /** How many events may be sent now. After 0, `onDue` is called when some may be sent. */
  room(lanes: Lanes<PendingRecord>): number {
    if (this.#bucket === undefined) return Infinity;
    if (this.#timer !== undefined) return 0;
    const nowMs = performance.now();
    const wanted = this.#worthWaitingFor === 1 ? 1 : lanes.readyItems(this.#worthWaitingFor);
    const available = this.#bucket.available(nowMs);
    if (available >= wanted) return available;
    const waitMs = this.#bucket.msUntil(wanted, nowMs);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#onDue();
    }, Math.ceil(waitMs));
    return 0;
  }

  /** Uses the tokens for events that are sent. */
  take(events: number): void {
    this.#bucket?.take(events);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
