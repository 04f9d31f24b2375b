// Decides when a partition is paused and when it is fetched again. It is paused when its share of memory is full, when the memory of its
// trigger is (a record may be larger than a share, and what else is fetched would come on top of it), when too much of it waits behind failures (congestion), when records lie beyond the horizon of its progress mark, or while a batch that cannot be read is skipped.
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import type { RecordSource } from '../../core/contract/record-source.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { PendingRecord } from './pending-record.ts';
import type { Budget, OpenPartition, Usage } from './open-partition.ts';

export interface PausedPartitionsOptions {
  readonly subscription: Subscription;
  readonly source: RecordSource;
  readonly events: GatewayEmitter;
  /** How much of the trigger may be in memory now. */
  readonly budget: () => Budget;
  /** How much of one partition may be. */
  readonly share: () => Budget;
  /** How much of the trigger is. */
  readonly usage: Readonly<Usage>;
}

export class PausedPartitions {
  readonly #options: PausedPartitionsOptions;
  readonly #paused = new Set<OpenPartition<PendingRecord>>();
  /** Paused because the memory of the trigger is full: who came first is fetched first. */
  readonly #waiting = new Set<OpenPartition<PendingRecord>>();

  constructor(options: PausedPartitionsOptions) {
    this.#options = options;
  }

  /**
   * How much of `partition` may come now, in bytes; 0 where it is paused from now on. Bytes are what bounds the memory: a partition with less
   * than its share of records does not wait for others that have more than theirs.
   */
  room(partition: OpenPartition<PendingRecord>): number {
    const { budget, share, usage } = this.#options;
    const all = budget();
    const left = all.bytes - usage.bytes;
    if (left > 0 && (usage.records < all.records || partition.records < share().records))
      return Math.max(1, Math.min(left, share().bytes - partition.bytes));
    if (!partition.paused) {
      this.#waiting.add(partition);
      this.#setPaused(partition, true);
    }
    return 0;
  }

  /** Records of `partition` were fetched: pauses it if they fill its share. */
  pauseIfOver(partition: OpenPartition<PendingRecord>): void {
    this.#updateCongestion(partition);
    if (partition.paused || !isOver(partition, this.#options.share())) return;
    this.#paused.add(partition);
    this.#setPaused(partition, true);
  }

  /** Records were settled: some paused partitions may be fetched again. */
  goOn(): void {
    for (const partition of this.#paused) {
      if (partition.congested) this.#updateCongestion(partition);
      if (!isUnder(partition, this.#options.share())) continue;
      this.#paused.delete(partition);
      this.#setPaused(partition, false);
    }
    this.#letWaitingGoOn();
  }

  /** As many as there are free shares, and one where there is less: another partition may hold more than its share for long. */
  #letWaitingGoOn(): void {
    if (this.#waiting.size === 0) return;
    const { budget, share: shareOf, usage } = this.#options;
    const share = shareOf();
    let shares = Math.ceil((budget().bytes - usage.bytes) / share.bytes);
    for (const partition of this.#waiting) {
      if (shares <= 0) break;
      this.#waiting.delete(partition);
      if (isOver(partition, share)) this.#paused.add(partition);
      else {
        this.#setPaused(partition, false);
        shares -= 1;
      }
    }
  }

  /** `partition` is closed. */
  forget(partition: OpenPartition<PendingRecord>): void {
    this.#paused.delete(partition);
    this.#waiting.delete(partition);
  }

  #updateCongestion(partition: OpenPartition<PendingRecord>): void {
    const { subscription, events, share } = this.#options;
    const { ordering, maxParkedKeys } = subscription.delivery;
    const maxKeys = ordering === 'key' ? maxParkedKeys : Infinity;
    if (!updateCongestion(partition, share(), maxKeys)) return;
    const { parked, congested } = partition;
    events.emit('congested', subscription, partition, parked, congested);
  }

  #setPaused(partition: OpenPartition<PendingRecord>, paused: boolean): void {
    const { subscription, source, events } = this.#options;
    partition.paused = paused;
    if (paused) source.pause(partition);
    else source.unpause(partition);
    events.emit('paused', subscription, partition, paused);
  }
}

type Partition = Pick<
  OpenPartition<unknown>,
  'records' | 'bytes' | 'parked' | 'congested' | 'isBeyondHorizon' | 'isPassing'
>;

/** True where no more should be fetched for now. */
export function isOver(partition: Partition, budget: Budget): boolean {
  const isFull = partition.records >= budget.records || partition.bytes >= budget.bytes;
  return isFull || partition.congested || partition.isBeyondHorizon || partition.isPassing;
}

/**
 * True where fetching may go on: of each limit, half of what is not parked is free. So fetching does not stop and start with each
 * record, and does not wait for records that fail.
 */
export function isUnder(partition: Partition, budget: Budget): boolean {
  if (partition.congested || partition.isBeyondHorizon || partition.isPassing) return false;
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
