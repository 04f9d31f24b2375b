// Contains exceptions that nobody expected. What calls a part of the process from outside (a timer, a socket, a promise, another part) enters it
// through its boundary, so that an exception in it stops this part alone, and never in silence.

export class ErrorBoundary {
  readonly #onFault: (fault: Error) => void;
  #isBroken = false;
  #isClosed = false;

  /** `onFault` is called once, with the first fault: the owner ends the part then. It must not throw. */
  constructor(onFault: (fault: Error) => void) {
    this.#onFault = onFault;
  }

  /** True after a fault: what the part remembers may be wrong, so it takes in nothing new. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Reports a fault. */
  fail(thrown: unknown): void {
    if (this.#isBroken || this.#isClosed) return;
    this.#isBroken = true;
    this.#onFault(thrown instanceof Error ? thrown : new Error(String(thrown)));
  }

  /** Runs `work`, and returns undefined where it throws. */
  run<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  /** Runs `work`. What it throws is reported, and thrown on to a caller who must know. */
  pass<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** `work` as a callback that never throws, and that does nothing any more after `close`. */
  guard<A extends unknown[]>(work: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      if (!this.#isClosed) this.run(() => work(...args));
    };
  }

  /** Resolves with `promise`, also where that rejects. */
  async settled(promise: Promise<unknown>): Promise<void> {
    try {
      await promise;
    } catch (error) {
      this.fail(error);
    }
  }

  /** The part has ended: what still calls it does nothing. */
  close(): void {
    this.#isClosed = true;
  }
}
