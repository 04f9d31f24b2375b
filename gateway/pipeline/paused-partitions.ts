// Decides when a partition is paused and when it is fetched again. It is paused when its share of memory is full, when too much of it
// waits behind failures (congestion), or when records lie beyond the horizon of its progress mark.
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

  /** `share`: how much of one partition may be in memory now. */
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

  /** Records of `partition` were fetched: pauses it if they fill its share. */
  pauseIfOver(partition: OpenPartition<PendingRecord>): void {
    this.#updateCongestion(partition);
    if (!partition.paused && isOver(partition, this.#share())) this.#setPaused(partition, true);
  }

  /** Records were settled: some paused partitions may be fetched again. */
  goOn(): void {
    if (this.#paused.size === 0) return;
    for (const partition of this.#paused) {
      if (partition.congested) this.#updateCongestion(partition);
      if (isUnder(partition, this.#share())) this.#setPaused(partition, false);
    }
  }

  /** `partition` is closed. */
  forget(partition: OpenPartition<PendingRecord>): void {
    this.#paused.delete(partition);
  }

  #updateCongestion(partition: OpenPartition<PendingRecord>): void {
    const { ordering, maxParkedKeys } = this.#subscription.delivery;
    const maxKeys = ordering === 'key' ? maxParkedKeys : Infinity;
    if (!updateCongestion(partition, this.#share(), maxKeys)) return;
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

type Partition = Pick<
  OpenPartition<unknown>,
  'records' | 'bytes' | 'parked' | 'congested' | 'isBeyondHorizon'
>;

/** True where no more should be fetched for now. */
export function isOver(partition: Partition, budget: Budget): boolean {
  const isFull = partition.records >= budget.records || partition.bytes >= budget.bytes;
  return isFull || partition.congested || partition.isBeyondHorizon;
}

/**
 * True where fetching may go on: of each limit, half of what is not parked is free. So fetching does not stop and start with each
 * record, and does not wait for records that fail.
 */
export function isUnder(partition: Partition, budget: Budget): boolean {
  if (partition.congested || partition.isBeyondHorizon) return false;
  const { items, bytes } = partition.parked;
  return isRoomy(partition.records, items, budget.records) && isRoomy(partition.bytes, bytes, budget.bytes);
}

function isRoomy(used: number, parked: number, limit: number): boolean {
  return (used - parked) * 2 <= limit - parked;
}

/**
 * Updates whether `partition` is congested and returns whether that changed. It becomes congested when three quarters of `budget`,
 * or more than `maxKeys` keys, wait behind failures. It stays so until these are less than half of `budget` and at most three
 * quarters of `maxKeys`.
 */
export function updateCongestion(partition: Partition, budget: Budget, maxKeys: number): boolean {
  const { lanes, items, bytes } = partition.parked;
  const [most, share] = partition.congested ? [maxKeys * 0.75, 0.5] : [maxKeys, 0.75];
  const congested = lanes > most || items >= budget.records * share || bytes >= budget.bytes * share;
  const isChanged = congested !== partition.congested;
  partition.congested = congested;
  return isChanged;
}
