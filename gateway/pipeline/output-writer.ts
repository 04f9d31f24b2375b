// What is stored in Kafka before a record may be settled: its dead letter, or the reply to it. A write that fails settles
// nothing: the record stays first in its lane, and the write is tried again until it succeeds. Where replies are transactional,
// the partition's outbox does that.
import type { EventEmitter } from 'node:events';
import type { CloudEvent } from '../../core/contract/event.ts';
import type { GatewayEvents } from '../../core/contract/gateway-events.ts';
import type { OutgoingRecord, RecordSink, StoredAt } from '../../core/contract/record-sink.ts';
import type { DeadLetterCause, Settlement } from '../../core/contract/settlement.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { Lane, Lanes } from '../delivery/lanes.ts';
import { encodeRecord } from '../events/encode-record.ts';
import { deadLetterOf } from '../settlement/dead-letter.ts';
import type { BlockedRecords } from './blocked-records.ts';
import type { PendingRecord } from './pending-record.ts';
import type { Outbox } from '../settlement/outbox.ts';
import type { ParkedLanes } from './parked-lanes.ts';

export interface OutputWriterOptions {
  readonly subscription: Subscription;
  readonly lanes: Lanes<PendingRecord>;
  readonly parking: ParkedLanes;
  readonly blocked: BlockedRecords;
  readonly sink: RecordSink;
  readonly events: EventEmitter<GatewayEvents>;
  readonly settle: (pending: PendingRecord, settlement: Settlement['kind']) => void;
  /** A write ended: there may be more to do. */
  readonly onDone: () => void;
}

/** Pause before a failed write is tried again, in ms. */
const rewriteMs = 1_000;

export class OutputWriter {
  readonly #options: OutputWriterOptions;
  #replies = 0;

  constructor(options: OutputWriterOptions) {
    this.#options = options;
  }

  get replies(): number {
    return this.#replies;
  }

  /** Stores the dead letter of the one taken delivery of `lane`; without a dead-letter topic it blocks the lane. */
  storeDeadLetter(lane: Lane<PendingRecord>, pending: PendingRecord, cause: DeadLetterCause): void {
    const { subscription, events } = this.#options;
    const { deadLetter } = subscription.delivery;
    if (deadLetter === undefined) {
      this.#block(lane, pending, cause);
      return;
    }
    this.#write(
      lane,
      pending,
      'dead letter',
      deadLetterOf(pending.record, cause, subscription.key, deadLetter.topic),
      (at) => {
        pending.deadLetter = at;
        events.emit('deadLettered', subscription, pending.record, cause, at);
        return cause.reason === 'skipped' ? 'skipped' : 'dead-lettered';
      },
    );
  }

  /** Stores the reply to the one taken delivery of `lane`. */
  reply(lane: Lane<PendingRecord>, pending: PendingRecord, event: CloudEvent, topic: string): void {
    const { subscription, events } = this.#options;
    this.#write(lane, pending, 'reply', { topic, ...encodeRecord(event) }, (at) => {
      this.#replies += 1;
      events.emit('replied', subscription, at);
      return 'delivered';
    });
  }

  #write(
    lane: Lane<PendingRecord>,
    pending: PendingRecord,
    what: 'dead letter' | 'reply',
    record: OutgoingRecord,
    onStored: (at: StoredAt) => Settlement['kind'],
  ): void {
    const { subscription, lanes, parking, sink, events, settle, onDone } = this.#options;
    pending.begin();
    if (pending.partition.outbox !== undefined) {
      this.#stage(pending.partition.outbox, lane, pending, what, record, onStored);
      return;
    }
    sink.write(record).then(
      (at) => {
        pending.end();
        settle(pending, onStored(at));
        lanes.finish(lane, [], 'ready');
        onDone();
      },
      (error: unknown) => {
        const cause = error instanceof Error ? error : new Error(String(error));
        events.emit('storeFailed', subscription, pending.record, what, cause);
        lanes.finish(lane, [pending], 'parked');
        if (lane.state === 'parked') parking.park(lane, rewriteMs);
        onDone();
      },
    );
  }

  /** The lane goes on, unless much is staged; the delivery is under way until the transaction that stores this is committed. */
  #stage(
    outbox: Outbox,
    lane: Lane<PendingRecord>,
    pending: PendingRecord,
    what: 'dead letter' | 'reply',
    record: OutgoingRecord,
    onStored: (at: StoredAt) => Settlement['kind'],
  ): void {
    const { subscription, lanes, events, settle, onDone } = this.#options;
    const goesOn = outbox.stage({
      offset: pending.record.offset,
      // A key's lane is forgotten while it is empty.
      lane: lane.key ?? lane,
      record,
      stored: (at) => {
        pending.end();
        settle(pending, onStored(at));
        if (!goesOn) lanes.finish(lane, [], 'ready');
        onDone();
      },
      failed: (error) => void events.emit('storeFailed', subscription, pending.record, what, error),
    });
    if (goesOn) lanes.finish(lane, [], 'ready');
  }

  /**
   * Nothing is dropped and nothing behind the record is let past it. What the function refused is offered to it again after
   * `backoffMax`, so that a mended function goes on by itself; what cannot be offered waits for an operator.
   */
  #block(lane: Lane<PendingRecord>, pending: PendingRecord, cause: DeadLetterCause): void {
    const { subscription, lanes, parking, blocked } = this.#options;
    blocked.add(pending, cause);
    pending.end();
    lanes.finish(lane, [pending], 'parked');
    if (lane.state !== 'parked' || cause.reason === 'undecodable' || cause.reason === 'expired') return;
    parking.park(lane, subscription.delivery.backoffMaxMs, () => (pending.cause = undefined));
  }
}
