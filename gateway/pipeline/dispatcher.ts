// Sends the records of the lanes to the function, one batch at a time, and starts what follows: retry, dead letter, reply.
// `outcome-handler.ts` applies the outcome of an attempt; `output-writer.ts` stores dead letters and replies.
//
//             ┌──────────────── unpark, after the delay ◄────────────────┐
//   lane ──► pump ──► attempt ──► delivered ──► reply stored ──► settled  │
//             │           ├─────► batch failed as a whole: halves ────────┤
//             │           ├─────► retry ──────────────────────────────────┘
//             │           ├─────► unreachable: held, no attempt charged
//             │           └─────► rejected, exhausted ──► first in its lane again, with a cause
//             └──► a cause (undecodable, expired, rejected, exhausted) ──► dead letter stored ──► settled
//
// A lane has at most one batch or write in progress, so order holds by construction. A record that is not settled stays in its lane.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { ActivationCall } from '../../core/contract/activation-call.ts';
import type { FunctionAccess } from '../../core/contract/endpoint-source.ts';
import type { ErrorBoundary } from '../../core/contract/error-boundary.ts';
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import type { RecordSink } from '../../core/contract/record-sink.ts';
import type { Settlement } from '../../core/contract/settlement.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { createOutcomeOf, maxAnswerBytes, type OutcomeOf } from '../delivery/attempt-outcome.ts';
import { startAttempt, type AttemptResult } from '../delivery/attempt.ts';
import type { Endpoints } from '../delivery/endpoints.ts';
import type { Lane, Lanes } from '../delivery/lanes.ts';
import type { PooledEndpoint } from '../delivery/pooled-endpoint.ts';
import { decodeReply } from '../events/decode-reply.ts';
import { createEncodeRequest, type RequestContent } from '../events/encode-request.ts';
import type { RequestParts } from '../events/encode.ts';
import type { SkipAnswer, SkipRequest } from '../../core/contract/skip.ts';
import { BlockedRecords } from './blocked-records.ts';
import type { PendingRecord } from './pending-record.ts';
import { Holds } from './holds.ts';
import type { OpenPartition } from './open-partition.ts';
import { beginBatch, gatherBatch } from './gather-batch.ts';
import { BatchClock } from './batch-clock.ts';
import { OutcomeHandler } from './outcome-handler.ts';
import { RateLimiter } from './rate-limiter.ts';
import { ParkedLanes } from './parked-lanes.ts';
import { SkipRequests } from './skip-requests.ts';
import { OutputWriter } from './output-writer.ts';

export interface DispatcherOptions {
  readonly subscription: Subscription;
  readonly boundary: ErrorBoundary;
  readonly lanes: Lanes<PendingRecord>;
  readonly endpoints: Endpoints;
  readonly sink: RecordSink;
  readonly activation: ActivationCall;
  /** Undefined where requests to the function carry no credentials. */
  readonly access: FunctionAccess | undefined;
  readonly events: GatewayEmitter;
  /** In ms of `performance.now()`: nothing is started after it, because another gateway may own the partitions by then. */
  readonly leaseEndMs: () => number;
  /** A record was attempted and will be attempted again. */
  readonly attempted: (pending: PendingRecord) => void;
  /** A record blocks its lane: the partition has that to commit. */
  readonly blockedChanged: (pending: PendingRecord) => void;
  /** Everything that can be started has been started, and what was settled before has left its lane. */
  readonly pumped: () => void;
  /** The settlement of a record; called once, unless its partition is closed. */
  readonly settle: (pending: PendingRecord, settlement: Settlement['kind']) => void;
}

export class Dispatcher {
  readonly blocked: BlockedRecords;
  readonly #options: DispatcherOptions;
  readonly #encode: (content: RequestContent) => RequestParts;
  readonly #outcomeOf: OutcomeOf;
  readonly #parked: ParkedLanes;
  readonly #outcomes: OutcomeHandler;
  readonly #outputs: OutputWriter;
  readonly #skips: SkipRequests;
  readonly #batchClock: BatchClock;
  readonly #holds: Holds;
  readonly #rateLimiter: RateLimiter;
  readonly #answerBytes: number;
  #inFlight = 0;
  #pumping = false;
  #closed = false;
  /** Called when records may have ended: each checks whether its partitions have nothing under way. */
  readonly #drainChecks = new Set<() => void>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { subscription, boundary, lanes, sink, events, settle } = options;
    this.#encode = createEncodeRequest(subscription);
    this.#outcomeOf = createOutcomeOf(subscription, decodeReply);
    this.#parked = new ParkedLanes(lanes, boundary, () => this.pump());
    this.blocked = new BlockedRecords(subscription, events, options.blockedChanged);
    this.#outcomes = new OutcomeHandler({ ...options, parking: this.#parked, blocked: this.blocked });
    this.#outputs = new OutputWriter({
      subscription,
      boundary,
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
      boundary,
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

  /** Events in requests in flight. */
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

  /** Starts everything that can be started now. Never throws: timers and sockets call it. */
  pump(): void {
    if (this.#pumping || this.#closed) return;
    const { boundary, pumped } = this.#options;
    this.#pumping = true;
    boundary.run(() => {
      this.#skips.proceed();
      while (this.#step());
    });
    this.#pumping = false;
    boundary.run(pumped);
    for (const check of this.#drainChecks) check();
  }

  /**
   * Starts no more records of `partitions`. Resolves when what is in flight of them has ended and its dead letters and replies are
   * stored, or after `limitMs`. Records that wait for a retry are left to the next owner, together with their attempts so far.
   */
  async release(partitions: readonly OpenPartition<PendingRecord>[], limitMs: number): Promise<void> {
    for (const { lanes } of partitions) lanes.release(({ isUnderWay }) => isUnderWay);
    this.pump();
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#drainChecks.delete(check);
        resolve();
      };
      const check = (): void => {
        if (partitions.every(({ underWay, open }) => underWay === 0 || !open)) end();
      };
      const timer = setTimeout(end, limitMs);
      this.#drainChecks.add(check);
      check();
    });
  }

  skip(partition: OpenPartition<PendingRecord>, request: SkipRequest): Promise<SkipAnswer> {
    return this.#skips.skip(partition, request);
  }

  /** Forgets what belongs to closed partitions. */
  forgetClosed(): void {
    this.#parked.forget('dropped');
    this.blocked.forgetClosed();
    this.#skips.forgetClosed();
    for (const check of this.#drainChecks) check();
  }

  close(): void {
    this.#closed = true;
    this.#parked.forget('all');
    this.#batchClock.stop();
    this.#holds.stop();
    this.#rateLimiter.stop();
  }

  /** Starts one request or one write; false where nothing can be started now. */
  #step(): boolean {
    const { lanes, endpoints, subscription } = this.#options;
    const lane = lanes.next();
    if (lane === undefined || performance.now() >= this.#options.leaseEndMs()) return false;
    const first = lane.at(0);
    first.expireIfOld(subscription.delivery.maxAgeMs);
    if (first.cause !== undefined) {
      this.#outputs.storeDeadLetters(lane);
      return true;
    }
    if (first.reply !== undefined && subscription.reply !== undefined) {
      this.#outputs.reply(lane, first.reply, subscription.reply.topic);
      return true;
    }
    if (!this.#batchClock.isDue(lanes)) return false;
    const mostEvents = this.#rateLimiter.room(lanes);
    if (mostEvents === 0) return false;
    if (this.#holds.holdForCredentials()) return false;
    const endpoint = endpoints.pick();
    if (endpoint === undefined) {
      if (endpoints.readyCount === 0) this.#holds.hold();
      return false;
    }
    this.#holds.release();
    this.#batchClock.stop();
    this.#send(endpoint, gatherBatch(lanes, subscription.function, mostEvents));
    return true;
  }

  #send(endpoint: PooledEndpoint, batch: readonly Lane<PendingRecord>[]): void {
    const { access, subscription } = this.#options;
    const content = beginBatch(batch);
    const { events } = content;
    const { headers, body } = this.#encode(content);
    const authorization = access?.authorization;
    if (authorization !== undefined) headers.push('authorization', authorization);
    const { path } = subscription.function;
    const { timeoutMs } = subscription.delivery;
    const startedMs = performance.now();
    const { outstanding } = endpoint;
    this.#inFlight += events.length;
    this.#rateLimiter.take(events.length);
    startAttempt(
      endpoint.connections,
      { path, headers, body, timeoutMs, maxAnswerBytes: this.#answerBytes },
      this.#options.boundary.guard((result: AttemptResult) => {
        const tookMs = performance.now() - startedMs;
        this.#options.endpoints.learn(endpoint, result, tookMs, outstanding);
        if (authorization !== undefined && result.kind === 'answered' && result.status === 401)
          access?.refused(authorization);
        this.#answered(endpoint, batch, events, tookMs, result);
      }),
    );
  }

  #answered(
    endpoint: PooledEndpoint,
    batch: readonly Lane<PendingRecord>[],
    events: readonly CloudEvent[],
    tookMs: number,
    result: AttemptResult,
  ): void {
    const { endpoints, subscription } = this.#options;
    this.#inFlight -= events.length;
    endpoints.release(endpoint);
    const outcome = this.#outcomeOf(result, events);
    this.#options.events.emit(
      'attempted',
      subscription,
      outcome.kind,
      result.kind === 'answered' ? result.status : undefined,
      tookMs / 1000,
      events.length,
    );
    this.#outcomes.apply(batch, events.length, outcome);
    if (outcome.kind === 'unreachable') endpoints.refused(endpoint, outcome);
    this.pump();
  }
}
