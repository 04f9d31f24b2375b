// Decides when the next request may be sent: at once, or for `contentMode: batched` when a batch is full or its first record has
// waited `maxWait`.
import type { FunctionSettings } from '../../core/contract/subscription.ts';
import type { Lanes } from '../delivery/lanes.ts';
import type { PendingRecord } from './pending-record.ts';

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
   * True where a request may be sent now. A batch that is due stays due until it is sent and `stop` is called, because it may have
   * to wait for an endpoint. Records that failed in a batch do not wait again.
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
