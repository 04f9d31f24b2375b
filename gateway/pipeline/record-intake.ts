// Takes fetched records in: decodes and filters each one, restores its earlier attempts, and puts it into its lane.
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import { recordBytes, type KafkaRecord } from '../../core/contract/record.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { createDecode, type Decode } from '../events/decode.ts';
import { compileFilter } from '../filter/compile-filter.ts';
import type { OpenPartition } from './open-partition.ts';
import { PendingRecord } from './pending-record.ts';
import { RecordSlab } from './record-slab.ts';
import type { RecordSettlements } from './record-settlements.ts';

export class RecordIntake {
  readonly #subscription: Subscription;
  readonly #settlements: RecordSettlements;
  readonly #slab = new RecordSlab();
  readonly #decode: Decode;
  readonly #passes: ReturnType<typeof compileFilter>;

  constructor(subscription: Subscription, events: GatewayEmitter, settlements: RecordSettlements) {
    this.#subscription = subscription;
    this.#settlements = settlements;
    this.#decode = createDecode(subscription.event, subscription.source.cluster, subscription);
    this.#passes = compileFilter(
      subscription.filters,
      (fault) => void events.emit('filterFailed', subscription, fault),
    );
  }

  /**
   * Takes one record in and returns the bytes that it counts for. It ignores a record that is already tracked, or that was settled
   * before the partition came to this gateway: such a record counts for 0 bytes.
   */
  take(partition: OpenPartition<PendingRecord>, record: KafkaRecord): number {
    const { ledger } = partition;
    if (record.offset < ledger.end || ledger.isSettled(record.offset)) return 0;
    // From here on it is open, so that no commit passes it, even if the rest fails.
    ledger.track(record.offset);
    const bytes = recordBytes(record);
    // Before it is decoded: the event has the same bytes.
    this.#slab.own(record);
    const decoded = this.#decode(record);
    if (decoded.kind === 'event' && !this.#passes(decoded.event)) {
      this.#settlements.filtered(partition, record);
      return bytes;
    }
    const pending = new PendingRecord(
      partition,
      record,
      decoded.kind === 'event' ? decoded.event : undefined,
      bytes,
    );
    if (decoded.kind === 'undecodable') {
      pending.cause = { reason: 'undecodable', detail: decoded.reason, attempts: 0 };
    }
    this.#restoreAttempts(pending);
    partition.records += 1;
    partition.bytes += bytes;
    partition.add(record.offset, record.key, pending);
    return bytes;
  }

  /** Attempts that were made before the partition came to this gateway count too. */
  #restoreAttempts(pending: PendingRecord): void {
    const { partition, record } = pending;
    const attempts = partition.ledger.attemptsOf(record.offset);
    if (attempts === 0) return;
    const { retry } = this.#subscription.delivery;
    pending.attempts = attempts;
    partition.attempts.set(record.offset, attempts);
    if (retry === -1 || attempts <= retry) return;
    const detail = `no attempt is left: all ${attempts} were made before the partition came to this gateway`;
    pending.cause ??= { reason: 'exhausted', detail, attempts };
  }
}
