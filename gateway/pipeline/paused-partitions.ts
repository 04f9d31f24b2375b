// Which partitions are fetched: those that have room for more. The others are paused until they have.
import type { EventEmitter } from 'node:events';
import type { GatewayEvents } from '../../core/contract/gateway-events.ts';
import type { RecordSource } from '../../core/contract/record-source.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { PendingRecord } from './pending-record.ts';
import type { Budget, OpenPartition } from './open-partition.ts';

export class PausedPartitions {
  readonly #subscription: Subscription;
  readonly #source: RecordSource;
  readonly #events: EventEmitter<GatewayEvents>;
  readonly #share: () => Budget;
  readonly #paused = new Set<OpenPartition<PendingRecord>>();

  /** `share`: what may lie in memory of one partition, as things stand. */
  constructor(
    subscription: Subscription,
    source: RecordSource,
    events: EventEmitter<GatewayEvents>,
    share: () => Budget,
  ) {
    this.#subscription = subscription;
    this.#source = source;
    this.#events = events;
    this.#share = share;
  }

  /** More of `partition` has come: it is paused where that is enough. */
  pauseIfOver(partition: OpenPartition<PendingRecord>): void {
    this.#updateCongestion(partition);
    if (!partition.paused && partition.isOver(this.#share())) this.#setPaused(partition, true);
  }

  /** Something was settled: some of what is paused may be fetched again. */
  goOn(): void {
    if (this.#paused.size === 0) return;
    for (const partition of this.#paused) {
      if (partition.congested) this.#updateCongestion(partition);
      if (partition.isUnder(this.#share())) this.#setPaused(partition, false);
    }
  }

  /** `partition` is another member's. */
  forget(partition: OpenPartition<PendingRecord>): void {
    this.#paused.delete(partition);
  }

  #updateCongestion(partition: OpenPartition<PendingRecord>): void {
    const { ordering, maxParkedKeys } = this.#subscription.delivery;
    if (!partition.updateCongestion(this.#share(), ordering === 'key' ? maxParkedKeys : Infinity)) return;
    const { parked, congested } = partition;
    this.#events.emit('congested', this.#subscription, partition, parked, congested);
  }

  #setPaused(partition: OpenPartition<PendingRecord>, paused: boolean): void {
    partition.paused = paused;
    if (paused) this.#paused.add(partition);
    else this.#paused.delete(partition);
    if (paused) this.#source.pause(partition);
    else this.#source.unpause(partition);
    this.#events.emit('paused', this.#subscription, partition, paused);
  }
}
