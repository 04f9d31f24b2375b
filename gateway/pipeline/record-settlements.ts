// Books what became of each record of a trigger: in the ledger of its partition, in the counts of the trigger, and for the next commit.
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import type { KafkaRecord } from '../../core/contract/record.ts';
import type { Settlement } from '../../core/contract/settlement.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { Commits } from './commits.ts';
import type { OpenPartition } from './open-partition.ts';
import type { PendingRecord } from './pending-record.ts';

export class RecordSettlements {
  readonly counts = { delivered: 0, filtered: 0, 'dead-lettered': 0, skipped: 0 };
  readonly #subscription: Subscription;
  readonly #commits: Commits;
  readonly #events: GatewayEmitter;
  readonly #passed: (pending: PendingRecord) => void;

  /** `passed`: a batch that cannot be read is settled. */
  constructor(
    subscription: Subscription,
    commits: Commits,
    events: GatewayEmitter,
    passed: (pending: PendingRecord) => void,
  ) {
    this.#passed = passed;
    this.#subscription = subscription;
    this.#commits = commits;
    this.#events = events;
  }

  /** Settles a record that no filter let through. The caller marks the partition for a commit. */
  filtered({ ledger }: OpenPartition<PendingRecord>, record: KafkaRecord): void {
    ledger.settle(record.offset);
    this.counts.filtered += 1;
    this.#events.emit('settled', this.#subscription, record, 'filtered', 0);
  }

  /** A record was attempted and will be attempted again: the count of its attempts is committed too. */
  attempted({ partition, record, attempts }: PendingRecord): void {
    if (!partition.open) return;
    partition.attempts.set(record.offset, attempts);
    this.#commits.mark(partition);
  }

  /** Settles a record for good. Does nothing once its partition is closed. */
  settle(pending: PendingRecord, settlement: Settlement['kind']): void {
    const { partition, record } = pending;
    if (!partition.open) return;
    partition.records -= 1;
    partition.bytes -= pending.bytes;
    this.counts[settlement] += 1;
    partition.ledger.settle(record.offset);
    this.#events.emit('settled', this.#subscription, record, settlement, pending.attempts);
    if (pending.batch !== undefined) this.#passed(pending);
    if (partition.attempts.size > 0) partition.attempts.delete(record.offset);
    partition.catchUp();
    this.#commits.mark(partition);
    pending.onSettled?.(settlement);
  }
}
