// The records that block their lanes for want of a dead letter, as long as their partitions are ours.
import type { EventEmitter } from 'node:events';
import type { GatewayEvents } from '../../core/contract/gateway-events.ts';
import type { DeadLetterCause } from '../../core/contract/settlement.ts';
import type { BlockedRecord } from '../../core/contract/skip.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { Delivery } from './pending-record.ts';
import type { TriggerSnapshot } from './trigger-snapshot.ts';

export class BlockedRecords {
  readonly #subscription: Subscription;
  readonly #events: EventEmitter<GatewayEvents>;
  readonly #causes = new Map<Delivery, { cause: DeadLetterCause; readonly sinceMs: number }>();

  constructor(subscription: Subscription, events: EventEmitter<GatewayEvents>) {
    this.#subscription = subscription;
    this.#events = events;
  }

  get count(): number {
    return this.#causes.size;
  }

  /** Said once, however often the function refuses it again. */
  add(delivery: Delivery, cause: DeadLetterCause): void {
    const known = this.#causes.get(delivery);
    if (known !== undefined) {
      known.cause = cause;
      return;
    }
    this.#causes.set(delivery, { cause, sinceMs: Date.now() });
    this.#events.emit('blocked', this.#subscription, delivery.record, `${cause.reason}: ${cause.detail}`);
  }

  /** It goes on: it was delivered after all, or skipped. */
  remove(delivery: Delivery): void {
    if (this.#causes.delete(delivery)) this.#events.emit('unblocked', this.#subscription, delivery.record);
  }

  causeOf(delivery: Delivery): DeadLetterCause | undefined {
    return this.#causes.get(delivery)?.cause;
  }

  get first(): TriggerSnapshot['firstBlocked'] {
    const [first] = this.#causes.keys();
    if (first === undefined) return undefined;
    const { topic, partition, offset } = first.record;
    return { topic, partition, offset: String(offset) };
  }

  /** Those that have blocked for longest come first. */
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
    for (const delivery of this.#causes.keys()) if (!delivery.partition.open) this.#causes.delete(delivery);
  }
}
