// Gathers questions that come close together, so that they share requests: the first one waits a moment for others, and the next
// round begins a little after the last one began, however long that takes.

export interface GatherOptions<Q, A> {
  /** Milliseconds that a question waits for others. */
  readonly gatherMs: number;
  /** Milliseconds from the begin of one round to that of the next, at least. */
  readonly spacingMs: number;
  /** Questions that share a round, at most. */
  readonly most: number;
  /** Settles every question, each as soon as its answer is known. Must not reject. */
  readonly run: (questions: readonly Q[], settle: (index: number, answer: A) => void) => Promise<void>;
}

interface Waiting<Q, A> {
  readonly question: Q;
  readonly resolve: (answer: A) => void;
}

export class GatheredReads<Q, A> {
  readonly #options: GatherOptions<Q, A>;
  #waiting: Waiting<Q, A>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #nextMs = 0;

  constructor(options: GatherOptions<Q, A>) {
    this.#options = options;
  }

  ask(question: Q): Promise<A> {
    return new Promise((resolve) => {
      this.#waiting.push({ question, resolve });
      this.#schedule();
    });
  }

  /** Starts those who still wait now, and nothing later. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { most, run, spacingMs } = this.#options;
    const round = this.#waiting.slice(0, most);
    this.#waiting = this.#waiting.slice(most);
    this.#nextMs = performance.now() + spacingMs;
    void run(
      round.map(({ question }) => question),
      (index, answer) => round[index]?.resolve(answer),
    );
    if (this.#waiting.length > 0) this.#schedule();
  }

  #schedule(): void {
    const ms = Math.max(this.#options.gatherMs, this.#nextMs - performance.now());
    this.#timer ??= setTimeout(() => this.flush(), ms);
  }
}
