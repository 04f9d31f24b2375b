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
/** Most dead letters of one lane that are stored together. */
const mostTogether = 100;

type What = 'dead letter' | 'reply';

/** What is stored of a record before it is settled. */
interface Output {
  readonly pending: PendingRecord;
  readonly record: OutgoingRecord;
  /** It is stored: how that settles the record. */
  readonly onStored: (at: StoredAt) => Settlement['kind'];
}

export class OutputWriter {
  readonly #options: OutputWriterOptions;
  #replies = 0;

  constructor(options: OutputWriterOptions) {
    this.#options = options;
  }

  get replies(): number {
    return this.#replies;
  }

  /**
   * Takes the first record of `lane`, which has a cause, with those behind it that have one too, and stores their dead letters: together, so that
   * a lane whose batch is exhausted waits for one answer of a slow broker and not for one a record. Without a dead-letter topic the first record
   * blocks the lane.
   */
  storeDeadLetters(lane: Lane<PendingRecord>): void {
    const { subscription, lanes, events } = this.#options;
    const { deadLetter } = subscription.delivery;
    const first = lane.at(0);
    if (deadLetter === undefined) {
      lanes.take(lane, 1);
      this.#block(lane, first, first.cause as DeadLetterCause);
      return;
    }
    lanes.take(lane, first.partition.outbox === undefined ? this.#countWithCause(lane) : 1);
    const outputs: Output[] = [];
    for (let index = 0; index < lane.taken; index += 1) {
      const pending = lane.at(index);
      const cause = pending.cause as DeadLetterCause;
      const { record, batch } = pending;
      outputs.push({
        pending,
        record: deadLetterOf(record, cause, subscription.key, deadLetter.topic, batch),
        onStored: (at) => {
          pending.deadLetter = at;
          events.emit('deadLettered', subscription, record, cause, at);
          return cause.reason === 'skipped' || cause.reason === 'unreadable' ? 'skipped' : 'dead-lettered';
        },
      });
    }
    this.#write(lane, 'dead letter', outputs);
  }

  /** Takes the first record of `lane`, and stores the reply to it. */
  reply(lane: Lane<PendingRecord>, event: CloudEvent, topic: string): void {
    const { subscription, lanes, events } = this.#options;
    lanes.take(lane, 1);
    const output: Output = {
      pending: lane.at(0),
      record: { topic, ...encodeRecord(event) },
      onStored: (at) => {
        this.#replies += 1;
        events.emit('replied', subscription, at);
        return 'delivered';
      },
    };
    this.#write(lane, 'reply', [output]);
  }

  #countWithCause(lane: Lane<PendingRecord>): number {
    const { maxAgeMs } = this.#options.subscription.delivery;
    const most = Math.min(lane.length, mostTogether);
    let count = 1;
    while (count < most) {
      lane.at(count).expireIfOld(maxAgeMs);
      if (lane.at(count).cause === undefined) break;
      count += 1;
    }
    return count;
  }

  /** Stores the outputs of all taken records of `lane`. They are settled in one step, when each is stored or has failed. */
  #write(lane: Lane<PendingRecord>, what: What, outputs: readonly Output[]): void {
    const { subscription, boundary, lanes, parking, sink, events, settle, onDone } = this.#options;
    for (const { pending } of outputs) pending.begin();
    const [first] = outputs as [Output];
    if (first.pending.partition.outbox !== undefined)
      return this.#stage(first.pending.partition.outbox, lane, what, first);
    void Promise.allSettled(outputs.map(({ record }) => sink.write(record))).then(
      boundary.guard((results: readonly PromiseSettledResult<StoredAt>[]) => {
        const kept: PendingRecord[] = [];
        for (const [index, result] of results.entries()) {
          const { pending, onStored } = outputs[index] as Output;
          if (result.status === 'fulfilled') {
            pending.end();
            settle(pending, onStored(result.value));
            continue;
          }
          const cause = result.reason instanceof Error ? result.reason : new Error(String(result.reason));
          // The others of the lane wait for the first, and go again with it.
          if (kept.length === 0) events.emit('storeFailed', subscription, pending.record, what, cause);
          if (isTooLarge(cause)) pending.halve();
          kept.push(pending);
        }
        lanes.finish(lane, kept, kept.length > 0 ? 'parked' : 'ready');
        if (lane.state === 'parked') parking.park(lane, rewriteDelayMs);
        onDone();
      }),
    );
  }

  /** The lane goes on, unless too much is staged. The record is under way until the transaction that stores the output is committed. */
  #stage(outbox: Outbox, lane: Lane<PendingRecord>, what: What, { pending, record, onStored }: Output): void {
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
