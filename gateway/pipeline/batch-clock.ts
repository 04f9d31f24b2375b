// When the next request may leave: at once, or for `contentMode: batched` when a batch is full or has waited long enough.
import type { FunctionSettings } from '../../core/contract/subscription.ts';
import type { Lanes } from '../delivery/lanes.ts';
import type { PendingRecord } from './pending-record.ts';

/** Says when a batch should leave: at once, or for batches when one is full or its first delivery has waited `maxWait`. */
export class BatchClock {
  readonly #settings: FunctionSettings;
  readonly #onDue: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(settings: FunctionSettings, onDue: () => void) {
    this.#settings = settings;
    this.#onDue = onDue;
  }

  /**
   * Once due, a batch stays due until it is sent and `stop` called: it may have to wait for an endpoint. What failed in a batch
   * has waited.
   */
  isDue(lanes: Lanes<PendingRecord>): boolean {
    if (this.#settings.contentMode !== 'batched' || lanes.next()?.at(0).batchLimit !== undefined) return true;
    const { maxEvents, maxWaitMs } = this.#settings.batch;
    if (this.#isOver || lanes.readyItems(maxEvents) >= maxEvents) return true;
    this.#timer ??= setTimeout(() => {
      this.#isOver = true;
      this.#onDue();
    }, maxWaitMs);
    return false;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isOver = false;
  }
}
