// Runs a limited number of asynchronous tasks at once. The others wait, in their order. Pure.
import { MillraceError } from '../contract/errors.ts';

export interface TurnsOptions {
  readonly atOnce: number;
  readonly maxWaiting: number;
}

export class Turns {
  readonly #options: TurnsOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Settles as `task` does. Rejects with MILLRACE_ACCESS_UNKNOWN if too many wait already. */
  async take<T>(task: () => Promise<T>): Promise<T> {
    const { atOnce, maxWaiting } = this.#options;
    if (this.#running >= atOnce) {
      if (this.#waiting.length >= maxWaiting)
        throw new MillraceError('MILLRACE_ACCESS_UNKNOWN', `${maxWaiting} reviews wait, which is the limit`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      return await task();
    } finally {
      // Whoever is next takes over this place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
