// Names that are asked for in the same turn, in one request: thousands of triggers that start together would each ask the brokers for itself.
import { MillraceError } from '../../contract/errors.ts';
import { inTime, LateError } from './late-error.ts';

interface Bunch<A> {
  readonly names: Set<string>;
  /** That of the most patient. */
  deadlineMs: number;
  readonly answer: Promise<A>;
}

export class SameTurn<A> {
  readonly #request: (names: readonly string[], deadlineMs: number) => Promise<A>;
  #bunch: Bunch<A> | undefined;

  /** `request`: any broker must be able to answer it, and for each name by itself: whoever asks waits for all of a turn. */
  constructor(request: (names: readonly string[], deadlineMs: number) => Promise<A>) {
    this.#request = request;
  }

  /**
   * The answer to all that is asked in this turn. `deadlineMs`: of `performance.now()`. Rejects as `request` does; with
   * MILLRACE_KAFKA_UNREACHABLE where others wait longer.
   */
  async ask(names: Iterable<string>, deadlineMs: number): Promise<A> {
    const bunch = (this.#bunch ??= this.#begin());
    for (const name of names) bunch.names.add(name);
    bunch.deadlineMs = Math.max(bunch.deadlineMs, deadlineMs);
    try {
      return await inTime(bunch.answer, deadlineMs - performance.now(), () => 'no broker answers');
    } catch (error) {
      if (!(error instanceof LateError)) throw error;
      throw new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'No broker answers', { cause: error });
    }
  }

  #begin(): Bunch<A> {
    const { promise, resolve } = Promise.withResolvers<A>();
    const bunch = { names: new Set<string>(), deadlineMs: -Infinity, answer: promise };
    setImmediate(() => {
      this.#bunch = undefined;
      resolve(this.#request([...bunch.names], bunch.deadlineMs));
    });
    return bunch;
  }
}
