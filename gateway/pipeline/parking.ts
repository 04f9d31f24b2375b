// Lanes that wait for the end of a delay, each with its timer.
import type { Lane, Lanes } from '../delivery/lanes.ts';
import type { Delivery } from './delivery.ts';

export class Parking {
  readonly #lanes: Lanes<Delivery>;
  readonly #onDue: () => void;
  readonly #parked = new Map<Lane<Delivery>, NodeJS.Timeout>();

  constructor(lanes: Lanes<Delivery>, onDue: () => void) {
    this.#lanes = lanes;
    this.#onDue = onDue;
  }

  /** `lane`, parked already, takes its turn again after `delayMs`. `prepare` is called just before. */
  park(lane: Lane<Delivery>, delayMs: number, prepare?: () => void): void {
    const timer = setTimeout(() => {
      this.#parked.delete(lane);
      prepare?.();
      this.#lanes.unpark(lane);
      this.#onDue();
    }, delayMs);
    this.#parked.set(lane, timer);
  }

  /** Lets go of the lanes of partitions that are no longer ours; of all of them with `all`. */
  forget(which: 'dropped' | 'all'): void {
    for (const [lane, timer] of this.#parked) {
      if (which === 'dropped' && !lane.group.dropped) continue;
      clearTimeout(timer);
      this.#parked.delete(lane);
    }
  }
}
