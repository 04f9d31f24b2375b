// Stores in Kafka what must be stored before a record may be settled: its dead letter, or the reply to it. A write that fails
// settles nothing: the record stays first in its lane, and the write is retried until it succeeds. Where replies are transactional,
// the outbox of the partition does this.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { ErrorBoundary } from '../../core/contract/error-boundary.ts';
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
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
  readonly boundary: ErrorBoundary;
  readonly lanes: Lanes<PendingRecord>;
  readonly parking: ParkedLanes;
  readonly blocked: BlockedRecords;
  readonly sink: RecordSink;
  readonly events: GatewayEmitter;
  readonly settle: (pending: PendingRecord, settlement: Settlement['kind']) => void;
  /** A write ended: more may be started. */
  readonly onDone: () => void;
}

/** Delay before a failed write is retried, in ms. */
const rewriteDelayMs = 1_000;

export class OutputWriter {
  readonly #options: OutputWriterOptions;
  #replies = 0;

  constructor(options: OutputWriterOptions) {
    this.#options = options;
  }

  get replies(): number {
    return this.#replies;
  }

  /** Stores the dead letter of the one taken record of `lane`. Without a dead-letter topic the record blocks the lane. */
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
      deadLetterOf(pending.record, cause, subscription.key, deadLetter.topic, pending.batch),
      (at) => {
        pending.deadLetter = at;
        events.emit('deadLettered', subscription, pending.record, cause, at);
        return cause.reason === 'skipped' || cause.reason === 'unreadable' ? 'skipped' : 'dead-lettered';
      },
    );
  }

  /** Stores the reply to the one taken record of `lane`. */
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
    const { subscription, boundary, lanes, parking, sink, events, settle, onDone } = this.#options;
    pending.begin();
    if (pending.partition.outbox !== undefined) {
      this.#stage(pending.partition.outbox, lane, pending, what, record, onStored);
      return;
    }
    sink.write(record).then(
      boundary.guard((at: StoredAt) => {
        pending.end();
        settle(pending, onStored(at));
        lanes.finish(lane, [], 'ready');
        onDone();
      }),
      boundary.guard((error: unknown) => {
        const cause = error instanceof Error ? error : new Error(String(error));
        events.emit('storeFailed', subscription, pending.record, what, cause);
        if (isTooLarge(cause)) pending.halve();
        lanes.finish(lane, [pending], 'parked');
        if (lane.state === 'parked') parking.park(lane, rewriteDelayMs);
        onDone();
      }),
    );
  }

  /** The lane goes on, unless too much is staged. The record is under way until the transaction that stores the output is committed. */
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
      // The lane of a key is forgotten when it is empty, so its key identifies it.
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
   * The record is not dropped, and no record behind it may pass it. A record that the function refused is sent again after
   * `backoffMax`, so that delivery resumes by itself once the function is fixed. A record that cannot be sent waits for an operator.
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

/** As Kafka names it. */
function isTooLarge(error: Error): boolean {
  return 'type' in error && ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'].includes(String(error.type));
}
