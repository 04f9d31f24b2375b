// Caches answers of the API server for seconds, and asks once for all who wait for the same answer.
// A positive answer is used on while it is renewed (stale-while-revalidate), so that callers hardly ever wait. Negative answers and
// failures have a cache of their own, so that many of them cannot evict a positive one.
import { LRUCache } from 'lru-cache';

export interface ReviewCacheOptions<A> {
  /** Whether the answer may be used on while it is renewed. */
  readonly isPositive: (answer: A) => boolean;
  /** Age from which a positive answer is renewed. Ages count from the request, not from its answer. */
  readonly freshMs: number;
  /** Age from which a positive answer is not used any more. */
  readonly maxAgeMs: number;
  /** How long a negative answer is used. */
  readonly negativeMs: number;
  /** How long there is no other request after one that failed. */
  readonly failureMs: number;
  /** Limit for positive answers, and the same for all others. The least recently used go first. */
  readonly maxEntries: number;
  /** In ms, of a monotonic clock. */
  readonly now: () => number;
}

interface Positive<A> {
  readonly answer: A;
  readonly askedAtMs: number;
}

/** A negative answer, or a failure. */
interface Negative<A> {
  /** Returns the answer, or throws the failure. */
  read(): A;
  readonly untilMs: number;
}

export class CachedReviews<A> {
  readonly #options: ReviewCacheOptions<A>;
  readonly #positive: LRUCache<string, Positive<A>>;
  readonly #negative: LRUCache<string, Negative<A>>;
  readonly #inFlight = new Map<string, Promise<A>>();

  constructor(options: ReviewCacheOptions<A>) {
    this.#options = options;
    this.#positive = new LRUCache({ max: options.maxEntries });
    this.#negative = new LRUCache({ max: options.maxEntries });
  }

  /** `ask` gets the previous positive answer, if there is one. Rejects as `ask` does. */
  async get(key: string, ask: (previous: A | undefined) => Promise<A>): Promise<A> {
    const { freshMs, maxAgeMs, now } = this.#options;
    const positive = this.#positive.get(key);
    if (positive === undefined) return this.#renew(key, ask);
    const ageMs = now() - positive.askedAtMs;
    if (ageMs < freshMs) return positive.answer;
    const renewed = this.#renew(key, ask);
    if (ageMs >= maxAgeMs) return renewed;
    // The old answer is used on, however the renewal ends.
    renewed.catch(() => undefined);
    return positive.answer;
  }

  async #renew(key: string, ask: (previous: A | undefined) => Promise<A>): Promise<A> {
    const inFlight = this.#inFlight.get(key);
    if (inFlight !== undefined) return inFlight;
    const negative = this.#negative.get(key);
    if (negative !== undefined && this.#options.now() < negative.untilMs) return negative.read();
    const asked = this.#ask(key, ask).finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, asked);
    return asked;
  }

  async #ask(key: string, ask: (previous: A | undefined) => Promise<A>): Promise<A> {
    const { isPositive, negativeMs, failureMs, now } = this.#options;
    const askedAtMs = now();
    this.#negative.delete(key);
    try {
      const answer = await ask(this.#positive.get(key)?.answer);
      if (isPositive(answer)) {
        this.#positive.set(key, { answer, askedAtMs });
      } else {
        this.#positive.delete(key);
        this.#negative.set(key, { read: () => answer, untilMs: now() + negativeMs });
      }
      return answer;
    } catch (error) {
      const read = (): never => {
        throw error;
      };
      this.#negative.set(key, { read, untilMs: now() + failureMs });
      throw error;
    }
  }
}
