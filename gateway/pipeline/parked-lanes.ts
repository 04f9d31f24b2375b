// The lanes that wait for a delay to end. Lanes that wait together share one timer.
import type { ErrorBoundary } from '../../core/contract/error-boundary.ts';
import type { Lane, Lanes } from '../delivery/lanes.ts';
import type { PendingRecord } from './pending-record.ts';

interface Wait {
  readonly lanes: Set<Lane<PendingRecord>>;
  timer: NodeJS.Timeout | undefined;
}

export class ParkedLanes {
  readonly #lanes: Lanes<PendingRecord>;
  readonly #boundary: ErrorBoundary;
  readonly #onDue: () => void;
  readonly #parked = new Map<Lane<PendingRecord>, Wait>();

  constructor(lanes: Lanes<PendingRecord>, boundary: ErrorBoundary, onDue: () => void) {
    this.#lanes = lanes;
    this.#boundary = boundary;
    this.#onDue = onDue;
  }

  /** Puts `lane`, which is parked already, back into the queue after `delayMs`. `prepare` is called just before. */
  park(lane: Lane<PendingRecord>, delayMs: number, prepare?: () => void): void {
    this.parkTogether([lane], delayMs, prepare);
  }

  /** Puts `lanes`, which are parked already, back into the queue together, in their order. */
  parkTogether(lanes: readonly Lane<PendingRecord>[], delayMs: number, prepare?: () => void): void {
    if (lanes.length === 0) return;
    const wait: Wait = { lanes: new Set(lanes), timer: undefined };
    const unpark = this.#boundary.guard(() => {
      for (const lane of wait.lanes) this.#parked.delete(lane);
      prepare?.();
      for (const lane of wait.lanes) this.#lanes.unpark(lane);
      this.#onDue();
    });
    wait.timer = setTimeout(unpark, delayMs);
    for (const lane of lanes) this.#parked.set(lane, wait);
  }

  /** Stops the wait of `lane`. The caller decides what happens to it. */
  cancel(lane: Lane<PendingRecord>): void {
    const wait = this.#parked.get(lane);
    if (wait === undefined) return;
    this.#parked.delete(lane);
    wait.lanes.delete(lane);
    if (wait.lanes.size === 0) clearTimeout(wait.timer);
  }

  /** Forgets the lanes of dropped partitions, or all lanes. */
  forget(which: 'dropped' | 'all'): void {
    for (const lane of this.#parked.keys()) if (which === 'all' || lane.group.dropped) this.cancel(lane);
  }
}
