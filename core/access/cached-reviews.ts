// Answers that are kept for seconds, each asked for once for all who wait for it. A good one serves on for a while as it is asked for anew, so that
// hardly anybody waits; any other has its own place, where many of them push no good one out.

export interface CacheRules<A> {
  /** Whether it may serve on while it is asked for anew. */
  readonly isGood: (answer: A) => boolean;
  /** From when it was asked for: so long a good answer is not asked for again. */
  readonly freshMs: number;
  /** The same: longer than that none is served. */
  readonly servedMs: number;
  /** So long any other answer stands. */
  readonly otherMs: number;
  /** So long nobody is asked again who did not answer. */
  readonly failureMs: number;
  /** Of good ones, and of others; those that were not wanted for longest go first. */
  readonly most: number;
  /** In ms, of a clock that never goes back. */
  readonly now: () => number;
}

interface Good<A> {
  readonly answer: A;
  readonly askedAtMs: number;
}

/** An answer that is not good, or a failure. */
interface Other<A> {
  /** The answer; throws where it is a failure. */
  read(): A;
  readonly untilMs: number;
}

export class CachedReviews<A> {
  readonly #keeping: CacheRules<A>;
  readonly #good = new Map<string, Good<A>>();
  readonly #others = new Map<string, Other<A>>();
  readonly #asking = new Map<string, Promise<A>>();

  constructor(keeping: CacheRules<A>) {
    this.#keeping = keeping;
  }

  /** `ask` is told the good answer before, where there is one. Rejects as it does. */
  async answer(key: string, ask: (before: A | undefined) => Promise<A>): Promise<A> {
    const { freshMs, servedMs, now } = this.#keeping;
    const good = this.#good.get(key);
    if (good === undefined) return this.#renew(key, ask);
    this.#keep(this.#good, key, good);
    const ageMs = now() - good.askedAtMs;
    if (ageMs < freshMs) return good.answer;
    const renewed = this.#renew(key, ask);
    if (ageMs >= servedMs) return renewed;
    // Served on, however that ends.
    renewed.catch(() => undefined);
    return good.answer;
  }

  async #renew(key: string, ask: (before: A | undefined) => Promise<A>): Promise<A> {
    const asking = this.#asking.get(key);
    if (asking !== undefined) return asking;
    const other = this.#others.get(key);
    if (other !== undefined && this.#keeping.now() < other.untilMs) return other.read();
    const asked = this.#ask(key, ask).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asked);
    return asked;
  }

  async #ask(key: string, ask: (before: A | undefined) => Promise<A>): Promise<A> {
    const { isGood, otherMs, failureMs, now } = this.#keeping;
    const askedAtMs = now();
    this.#others.delete(key);
    try {
      const answer = await ask(this.#good.get(key)?.answer);
      if (isGood(answer)) {
        this.#keep(this.#good, key, { answer, askedAtMs });
      } else {
        this.#good.delete(key);
        this.#keep(this.#others, key, { read: () => answer, untilMs: now() + otherMs });
      }
      return answer;
    } catch (error) {
      const read = (): never => {
        throw error;
      };
      this.#keep(this.#others, key, { read, untilMs: now() + failureMs });
      throw error;
    }
  }

  /** As the one that was wanted last. */
  #keep<V>(kept: Map<string, V>, key: string, value: V): void {
    kept.delete(key);
    kept.set(key, value);
    const [oldest = key] = kept.keys();
    if (kept.size > this.#keeping.most) kept.delete(oldest);
  }
}
