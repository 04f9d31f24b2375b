// The records that block their lanes because the trigger has no dead-letter topic. They are forgotten with their partitions. The next commit
// of a partition tells the scaler which they are: no replica is of use to what waits behind them.
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import type { DeadLetterCause } from '../../core/contract/settlement.ts';
import type { BlockedRecord } from '../../core/contract/skip.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { PendingRecord } from './pending-record.ts';

/** The record of a trigger that has blocked its lane for longest. */
export interface FirstBlocked {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

export class BlockedRecords {
  readonly #subscription: Subscription;
  readonly #events: GatewayEmitter;
  readonly #changed: (pending: PendingRecord) => void;
  readonly #causes = new Map<PendingRecord, { cause: DeadLetterCause; readonly sinceMs: number }>();

  /** `changed`: the partition of a record has something new to commit. */
  constructor(subscription: Subscription, events: GatewayEmitter, changed: (pending: PendingRecord) => void) {
    this.#subscription = subscription;
    this.#events = events;
    this.#changed = changed;
  }

  get count(): number {
    return this.#causes.size;
  }

  /** Emits `blocked` once per record, however often the function rejects it again. */
  add(pending: PendingRecord, cause: DeadLetterCause): void {
    const known = this.#causes.get(pending);
    if (known !== undefined) {
      known.cause = cause;
      return;
    }
    this.#causes.set(pending, { cause, sinceMs: Date.now() });
    pending.partition.blocked.add(pending.record.offset);
    this.#changed(pending);
    this.#events.emit('blocked', this.#subscription, pending.record, `${cause.reason}: ${cause.detail}`);
  }

  /** The record no longer blocks its lane: it was delivered after all, or skipped. */
  remove(pending: PendingRecord): void {
    if (!this.#causes.delete(pending)) return;
    pending.partition.blocked.delete(pending.record.offset);
    this.#events.emit('unblocked', this.#subscription, pending.record);
  }

  causeOf(pending: PendingRecord): DeadLetterCause | undefined {
    return this.#causes.get(pending)?.cause;
  }

  get first(): FirstBlocked | undefined {
    const [first] = this.#causes.keys();
    if (first === undefined) return undefined;
    const { topic, partition, offset } = first.record;
    return { topic, partition, offset: String(offset) };
  }

  /** The first `limit` of them; those that have blocked for longest come first. */
  list(limit: number): BlockedRecord[] {
    return [...this.#causes].slice(0, limit).map(([{ record, attempts }, { cause, sinceMs }]) => ({
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      keyBytes: record.key?.length,
      cause: { ...cause, attempts },
      sinceMs,
    }));
  }

  forgetClosed(): void {
    for (const pending of this.#causes.keys()) if (!pending.partition.open) this.#causes.delete(pending);
  }
}
