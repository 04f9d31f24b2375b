// Carries the lanes' deliveries to the function, one batch at a time, and through what follows: retry, dead letter, reply.
//
//             ┌─────────────── unpark, after the delay ◄───────────────┐
//   lane ──► pump ──► attempt ──► delivered ──► reply stored ──► settled │
//             │           ├─────► batch failed as a whole: halves ──┤
//             │           ├─────► retry ────────────────────────────────┘
//             │           ├─────► unreachable: held, no attempt charged
//             │           └─────► rejected, exhausted ──► first in its lane again, with a cause
//             └──► a cause (undecodable, expired, rejected, exhausted) ──► dead letter stored ──► settled
//
// A lane has one thing under way at a time, so order holds by construction. A delivery that is not settled stays in its lane.
import type { EventEmitter } from 'node:events';
import type { CloudEvent } from '../../core/contract/event.ts';
import type { ActivationCall } from '../../core/contract/activation-call.ts';
import type { FunctionAccess } from '../../core/contract/endpoint-source.ts';
import type { GatewayEvents } from '../../core/contract/gateway-events.ts';
import type { RecordSink } from '../../core/contract/record-sink.ts';
import type { AttemptOutcome, Settlement } from '../../core/contract/settlement.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { startAttempt, type AttemptResult } from '../delivery/attempt.ts';
import type { Endpoints, PooledEndpoint } from '../delivery/endpoints.ts';
import type { Lane, Lanes } from '../delivery/lanes.ts';
import { nextDelayMs } from '../delivery/retry-policy.ts';
import type { RequestParts } from '../events/encode.ts';
import type { SkipAnswer, SkipRequest } from '../../core/contract/skip.ts';
import { bisectDelayMs, failsAsWhole, halfOf } from './bisect.ts';
import { BlockedRecords } from './blocked-records.ts';
import type { PendingRecord } from './pending-record.ts';
import { createEncodeRequest } from './encode-request.ts';
import { expireIfOld } from './expired-records.ts';
import { Holds } from './holds.ts';
import type { OpenPartition } from './open-partition.ts';
import { beginBatch, gatherBatch, lastDelivered } from './gather-batch.ts';
import { BatchClock } from './batch-clock.ts';
import { createOutcomeOf, maxAnswerBytes, type OutcomeOf } from './attempt-outcome.ts';
import { RateLimiter } from './rate-limiter.ts';
import { ParkedLanes } from './parked-lanes.ts';
import { SkipRequests } from './skip-requests.ts';
import { OutputWriter } from './output-writer.ts';

export interface DispatcherOptions {
  readonly subscription: Subscription;
  readonly lanes: Lanes<PendingRecord>;
  readonly endpoints: Endpoints;
  readonly sink: RecordSink;
  readonly activation: ActivationCall;
  /** Undefined where the function is shown nothing but events. */
  readonly access: FunctionAccess | undefined;
  readonly events: EventEmitter<GatewayEvents>;
  /** In ms of `performance.now()`: nothing is started after it, for another gateway may start it as well. */
  readonly leaseEndMs: () => number;
  /** A delivery was attempted, and is to be attempted again. */
  readonly attempted: (pending: PendingRecord) => void;
  /** All is started that can be, and whatever was settled before has left its lane. */
  readonly pumped: () => void;
  /** The final word on a delivery; called once, unless its partition is closed. */
  readonly settle: (pending: PendingRecord, settlement: Settlement['kind']) => void;
}

export class Dispatcher {
  readonly blocked: BlockedRecords;
  readonly #options: DispatcherOptions;
  readonly #encode: (events: readonly CloudEvent[]) => RequestParts;
  readonly #outcomeOf: OutcomeOf;
  readonly #parked: ParkedLanes;
  readonly #outputs: OutputWriter;
  readonly #skips: SkipRequests;
  readonly #batchClock: BatchClock;
  readonly #holds: Holds;
  readonly #rateLimiter: RateLimiter;
  readonly #answerBytes: number;
  #inFlight = 0;
  #pumping = false;
  #closed = false;
  /** Whoever waits for partitions to be quiet looks again. */
  readonly #watchers = new Set<() => void>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { subscription, lanes, sink, events, settle } = options;
    this.#encode = createEncodeRequest(subscription);
    this.#outcomeOf = createOutcomeOf(subscription);
    this.#parked = new ParkedLanes(lanes, () => this.pump());
    this.blocked = new BlockedRecords(subscription, events);
    this.#outputs = new OutputWriter({
      subscription,
      lanes,
      parking: this.#parked,
      blocked: this.blocked,
      sink,
      events,
      settle,
      onDone: () => this.pump(),
    });
    this.#skips = new SkipRequests({
      subscription,
      lanes,
      parking: this.#parked,
      blocked: this.blocked,
      events,
      settle,
      onDone: () => this.pump(),
    });
    this.#holds = new Holds(options, () => this.pump());
    this.#batchClock = new BatchClock(subscription.function, () => this.pump());
    this.#rateLimiter = new RateLimiter(subscription, () => this.pump());
    this.#answerBytes =
      subscription.reply !== undefined || subscription.function.contentMode === 'batched'
        ? maxAnswerBytes
        : 0;
  }

  /** Events in requests under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get replies(): number {
    return this.#outputs.replies;
  }

  get isHolding(): boolean {
    return this.#holds.isOn;
  }

  get isRateLimited(): boolean {
    return this.#rateLimiter.isWaiting;
  }

  /** Starts all that can be started now. */
  pump(): void {
    if (this.#pumping || this.#closed) return;
    this.#pumping = true;
    this.#skips.proceed();
    while (this.#step());
    this.#pumping = false;
    this.#options.pumped();
    for (const look of this.#watchers) look();
  }

  /**
   * Starts nothing new of `partitions`. Resolves when what is in flight of them has ended, and what follows from it is stored,
   * or after `limitMs`. What waits for a retry is left to whoever has them next: the attempts so far go along.
   */
  async release(partitions: readonly OpenPartition<PendingRecord>[], limitMs: number): Promise<void> {
    for (const { lanes } of partitions) lanes.release(({ isUnderWay }) => isUnderWay);
    this.pump();
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve();
      };
      const look = (): void => {
        if (partitions.every(({ underWay, open }) => underWay === 0 || !open)) end();
      };
      const timer = setTimeout(end, limitMs);
      this.#watchers.add(look);
      look();
    });
  }

  skip(partition: OpenPartition<PendingRecord>, request: SkipRequest): Promise<SkipAnswer> {
    return this.#skips.skip(partition, request);
  }

  /** Lets go of what belongs to closed partitions. */
  forgetClosed(): void {
    this.#parked.forget('dropped');
    this.blocked.forgetClosed();
    this.#skips.forgetClosed();
    for (const look of this.#watchers) look();
  }

  close(): void {
    this.#closed = true;
    this.#parked.forget('all');
    this.#batchClock.stop();
    this.#holds.stop();
    this.#rateLimiter.stop();
  }

  /** Starts one thing; false where nothing can be started now. */
  #step(): boolean {
    const { lanes, endpoints, subscription } = this.#options;
    const lane = lanes.next();
    if (lane === undefined || performance.now() >= this.#options.leaseEndMs()) return false;
    const first = lane.at(0);
    expireIfOld(first, subscription.delivery.maxAgeMs);
    if (first.cause !== undefined) {
      lanes.take(lane, 1);
      this.#outputs.storeDeadLetter(lane, first, first.cause);
      return true;
    }
    if (first.reply !== undefined && subscription.reply !== undefined) {
      lanes.take(lane, 1);
      this.#outputs.reply(lane, first, first.reply, subscription.reply.topic);
      return true;
    }
    if (!this.#batchClock.isDue(lanes)) return false;
    const mostEvents = this.#rateLimiter.room(lanes);
    if (mostEvents === 0) return false;
    if (this.#holds.holdForLack()) return false;
    const gate = endpoints.pick();
    if (gate === undefined) {
      if (endpoints.readyCount === 0) this.#holds.hold();
      return false;
    }
    this.#holds.release();
    this.#batchClock.stop();
    this.#send(gate, gatherBatch(lanes, subscription.function, mostEvents));
    return true;
  }

  #send(gate: PooledEndpoint, batch: readonly Lane<PendingRecord>[]): void {
    const { access, subscription } = this.#options;
    const events = beginBatch(batch);
    const { headers, body } = this.#encode(events);
    const authorization = access?.authorization;
    if (authorization !== undefined) headers.push('authorization', authorization);
    const { path } = subscription.function;
    const { timeoutMs } = subscription.delivery;
    const startedMs = performance.now();
    const { outstanding } = gate;
    this.#inFlight += events.length;
    this.#rateLimiter.take(events.length);
    startAttempt(
      gate.dispatcher,
      { path, headers, body, timeoutMs, maxAnswerBytes: this.#answerBytes },
      (result) => {
        const tookMs = performance.now() - startedMs;
        this.#options.endpoints.learn(gate, result, tookMs, outstanding);
        if (authorization !== undefined && result.kind === 'answered' && result.status === 401)
          access?.refused(authorization);
        this.#answered(gate, batch, events, tookMs, result);
      },
    );
  }

  #answered(
    gate: PooledEndpoint,
    batch: readonly Lane<PendingRecord>[],
    events: readonly CloudEvent[],
    tookMs: number,
    result: AttemptResult,
  ): void {
    const { endpoints, subscription } = this.#options;
    this.#inFlight -= events.length;
    endpoints.release(gate);
    const outcome = this.#outcomeOf(result, events);
    this.#options.events.emit(
      'attempted',
      subscription,
      outcome.kind,
      result.kind === 'answered' ? result.status : undefined,
      tookMs / 1000,
      events.length,
    );
    if (events.length > 1 && failsAsWhole(outcome)) {
      this.#bisect(batch, events.length, outcome);
      this.pump();
      return;
    }
    const replyTo =
      outcome.kind === 'delivered' && outcome.reply !== undefined
        ? lastDelivered(batch, outcome.failedIds)
        : undefined;
    for (const lane of batch) this.#conclude(lane, outcome, replyTo);
    if (outcome.kind === 'unreachable') endpoints.refused(gate, outcome);
    this.pump();
  }

  /** No attempt is charged for it: the halves go again, soon. */
  #bisect(batch: readonly Lane<PendingRecord>[], size: number, outcome: AttemptOutcome): void {
    const { lanes, events, subscription } = this.#options;
    const delayMs = bisectDelayMs(subscription.delivery, Math.random);
    events.emit('bisected', subscription, size, 'reason' in outcome ? outcome.reason : '');
    for (const lane of batch) {
      const kept = Array.from({ length: lane.taken }, (_, index) => lane.at(index));
      for (const pending of kept) {
        pending.batchLimit = halfOf(size);
        pending.end();
      }
      lanes.finish(lane, kept, delayMs > 0 ? 'parked' : 'ready');
    }
    this.#parked.parkTogether(
      batch.filter(({ state }) => state === 'parked'),
      delayMs,
    );
  }

  /** What `outcome` means for the taken deliveries of `lane`; a reply is stored before `replyTo` is settled. */
  #conclude(lane: Lane<PendingRecord>, outcome: AttemptOutcome, replyTo: PendingRecord | undefined): void {
    const kept: PendingRecord[] = [];
    let delayMs = 0;
    for (let index = 0; index < lane.taken; index += 1) {
      const pending = lane.at(index);
      if (outcome.kind !== 'unreachable') pending.attempts += 1;
      if (outcome.kind === 'delivered' && outcome.failedIds?.has(pending.event?.id ?? '') !== true) {
        this.blocked.remove(pending);
        if (pending !== replyTo) {
          pending.end();
          this.#options.settle(pending, 'delivered');
          continue;
        }
        pending.reply = outcome.reply;
      } else {
        delayMs = Math.max(delayMs, this.#again(pending, outcome));
        if (pending.cause === undefined) pending.end();
        if (outcome.kind !== 'unreachable') this.#options.attempted(pending);
      }
      kept.push(pending);
    }
    this.#options.lanes.finish(lane, kept, delayMs > 0 ? 'parked' : 'ready');
    if (lane.state === 'parked') this.#parked.park(lane, delayMs);
  }

  /** The delay in ms before a delivery that failed goes again; 0 where it is not delayed, or has got a cause instead. */
  #again(pending: PendingRecord, outcome: AttemptOutcome): number {
    const { subscription, events } = this.#options;
    const { attempts } = pending;
    switch (outcome.kind) {
      case 'unreachable':
        return 0;
      case 'rejected':
        pending.cause = { reason: 'rejected', detail: outcome.reason, status: outcome.status, attempts };
        return 0;
      case 'delivered':
      case 'retry': {
        const { reason, status, retryAfterMs } =
          outcome.kind === 'retry'
            ? outcome
            : {
                reason: 'the function named it among the failed items of the batch',
                status: outcome.status,
                retryAfterMs: undefined,
              };
        const delayMs = nextDelayMs(subscription.delivery, attempts, Math.random, retryAfterMs);
        if (delayMs === 'exhausted') {
          pending.cause = { reason: 'exhausted', detail: reason, status, attempts };
          return 0;
        }
        if (pending.partition.open)
          events.emit('retrying', subscription, pending.record, attempts, delayMs, reason);
        return delayMs;
      }
    }
  }
}
