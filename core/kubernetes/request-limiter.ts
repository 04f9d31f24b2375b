// Client-side flow control: a token bucket for all requests over one connection, so that no storm of ours reaches the API server.
// Whoever waits gets their turn in the order of arrival, and what is in the background after everything else.
import { TokenBucket } from '../network/token-bucket.ts';
import type { RateLimit } from '../contract/subscription.ts';

/**
 * 2,000 triggers cost some 8,000 requests when all are new, and hardly any later. The API server itself is fair among its clients
 * (https://kubernetes.io/docs/concepts/cluster-administration/flow-control/): this limit is for our own mistakes.
 */
const usualRate: RateLimit = { eventsPerSecond: 100, burst: 200 };

export class RequestLimiter {
  readonly #bucket: TokenBucket;
  readonly #waiting = new Set<() => void>();
  readonly #inBackground = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(rate: RateLimit = usualRate) {
    this.#bucket = new TokenBucket(rate, performance.now());
  }

  /** Resolves when a request may be sent. Rejects with the reason of `signal`. */
  async pass(signal?: AbortSignal, isBackground = false): Promise<void> {
    signal?.throwIfAborted();
    const isFirst = this.#waiting.size === 0 && (!isBackground || this.#inBackground.size === 0);
    if (isFirst && this.#bucket.available(performance.now()) > 0) {
      this.#bucket.take(1);
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const go = (): void => resolve(undefined);
    const abort = (): void => reject(signal?.reason as Error);
    signal?.addEventListener('abort', abort, { once: true });
    const waiting = isBackground ? this.#inBackground : this.#waiting;
    waiting.add(go);
    this.#schedule();
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', abort);
      waiting.delete(go);
    }
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#release();
      },
      Math.ceil(this.#bucket.msUntil(1, performance.now())),
    );
  }

  #release(): void {
    let free = this.#bucket.available(performance.now());
    for (const waiting of [this.#waiting, this.#inBackground])
      for (const go of waiting) {
        if (free === 0) break;
        free -= 1;
        this.#bucket.take(1);
        waiting.delete(go);
        go();
      }
    if (this.#waiting.size + this.#inBackground.size > 0) this.#schedule();
  }
}
