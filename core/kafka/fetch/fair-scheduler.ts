// FairScheduler of the event loop for all consumers of a process. What Kafka sends is decoded and handed over in promise jobs, and
// those go before all else: a trigger with a large backlog would keep timers and sockets of the others waiting for as long as
// there is something to hand over. So who has handed over waits for its turn, and between two turns the loop goes round.

/** So much may be handed over in one round before anyone waits, in ms: small batches cost no round each. */
const sliceMs = 4;

const noWait = Promise.resolve();

export class FairScheduler {
  /** First come, first served. */
  #waiting: (() => void)[] = [];
  #usedMs = 0;
  #isRoundNoted = false;

  /** To be awaited by who handed something over, which took `tookMs`, before it hands over more. */
  next(tookMs: number): Promise<void> {
    this.#usedMs += tookMs;
    this.#noteRound();
    if (this.#usedMs < sliceMs && this.#waiting.length === 0) return noWait;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #noteRound(): void {
    if (this.#isRoundNoted) return;
    this.#isRoundNoted = true;
    setImmediate(() => {
      this.#isRoundNoted = false;
      this.#usedMs = 0;
      const [first, ...others] = this.#waiting;
      this.#waiting = others;
      if (others.length > 0) this.#noteRound();
      first?.();
    });
  }
}
