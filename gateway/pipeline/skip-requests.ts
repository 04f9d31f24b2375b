// Skips a record on request, at any position in its lane. If the record is under way, its attempt ends first, because it may still
// be delivered. With a dead-letter topic the record is stored there in its turn, like any other dead letter. Without one it leaves
// its lane at once, and the answer to the request is all that is left of it.
import type { ErrorBoundary } from '../../core/contract/error-boundary.ts';
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import { partitionName } from '../../core/contract/record.ts';
import type { DeadLetterCause, Settlement } from '../../core/contract/settlement.ts';
import type { SkipAnswer, SkipRefusal, SkipRequest, SkipTrace } from '../../core/contract/skip.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { Lane, Lanes } from '../delivery/lanes.ts';
import type { BlockedRecords } from './blocked-records.ts';
import type { PendingRecord } from './pending-record.ts';
import type { ParkedLanes } from './parked-lanes.ts';
import type { OpenPartition } from './open-partition.ts';

export interface SkipRequestsOptions {
  readonly subscription: Subscription;
  readonly boundary: ErrorBoundary;
  readonly lanes: Lanes<PendingRecord>;
  readonly parking: ParkedLanes;
  readonly blocked: BlockedRecords;
  readonly events: GatewayEmitter;
  readonly settle: (pending: PendingRecord, settlement: Settlement['kind']) => void;
  /** More may be started now. */
  readonly onDone: () => void;
}

interface ActiveSkip {
  readonly request: SkipRequest;
  readonly lane: Lane<PendingRecord>;
  readonly pending: PendingRecord;
  readonly answer: (answer: SkipAnswer) => void;
  /** Why the record was not delivered before the skip. */
  cause: DeadLetterCause | undefined;
  /** It waits for its turn to be dead-lettered, because of this request or of one that it replaces. */
  isTurned: boolean;
}

export class SkipRequests {
  readonly #options: SkipRequestsOptions;
  readonly #active = new Map<PendingRecord, ActiveSkip>();

  constructor(options: SkipRequestsOptions) {
    this.#options = options;
  }

  async skip(partition: OpenPartition<PendingRecord>, request: SkipRequest): Promise<SkipAnswer> {
    const found = find(partition, request.offset);
    if (found === undefined) return refusalFor(partition, request.offset);
    const { lane, pending } = found;
    const { promise, resolve } = Promise.withResolvers<SkipAnswer>();
    const before = this.#active.get(pending);
    before?.answer(refused('twice', 'another request to skip this record has replaced this one'));
    const { cause, isTurned = false } = before ?? {};
    const active: ActiveSkip = { request, lane, pending, answer: resolve, cause, isTurned };
    this.#active.set(pending, active);
    pending.onSettled = (settlement) => this.#settled(active, settlement);
    const { boundary, onDone } = this.#options;
    const timer = setTimeout(
      boundary.guard(() => resolve(stillPending(active))),
      request.waitMs,
    );
    void promise.then(() => clearTimeout(timer));
    boundary.pass(() => this.#try(active));
    onDone();
    return promise;
  }

  /** Tries all skips again, because attempts may have ended. Must be called before anything is started. */
  proceed(): void {
    for (const active of this.#active.values()) this.#try(active);
  }

  forgetClosed(): void {
    for (const [pending, active] of this.#active) {
      if (pending.partition.open) continue;
      this.#active.delete(pending);
      active.answer(refused('left', 'its partition left this gateway before the record was settled'));
    }
  }

  #try(active: ActiveSkip): void {
    const { lanes, parking, blocked, settle } = this.#options;
    const { request, lane, pending } = active;
    if (placeIn(lane, pending) < lane.taken || isAboutToReply(lane, pending)) return;
    const isDeadLettered = this.#options.subscription.delivery.deadLetter !== undefined && request.deadLetter;
    if (!active.isTurned) active.cause ??= pending.cause ?? blocked.causeOf(pending);
    else if (isDeadLettered) return;
    const isFirst = lane.at(0) === pending;
    if (isFirst) parking.cancel(lane);
    if (isDeadLettered) {
      pending.cause = skipCause(active);
      active.isTurned = true;
      if (isFirst) lanes.unpark(lane);
      return;
    }
    if (!lanes.withdraw(lane, pending)) return;
    pending.end();
    blocked.remove(pending);
    settle(pending, 'skipped');
  }

  #settled(active: ActiveSkip, settlement: Settlement['kind']): void {
    const { subscription, events } = this.#options;
    const trace = traceOf(active, settlement);
    this.#active.delete(active.pending);
    if (settlement === 'skipped') events.emit('skipped', subscription, active.request, trace);
    active.answer({ kind: 'settled', settlement, trace });
  }
}

/** The partition of the record that `request` names, of those that the pipeline has. */
export function partitionOf(
  request: SkipRequest,
  { source: { topics } }: Subscription,
  partitions: ReadonlyMap<string, OpenPartition<PendingRecord>>,
): { kind: 'found'; partition: OpenPartition<PendingRecord> } | (SkipAnswer & { kind: 'refused' }) {
  const topic = request.topic ?? (topics.length === 1 ? topics[0] : undefined);
  if (topic === undefined) return refused('ambiguous', 'the trigger reads several topics: name the topic');
  const partition = partitions.get(partitionName({ topic, partition: request.partition }));
  if (partition !== undefined) return { kind: 'found', partition };
  const names = [...partitions.keys()].join(', ') || 'no partition';
  const reads = `this gateway does not read partition ${request.partition} of ${topic}; it reads ${names}`;
  return refused('elsewhere', reads);
}

function find(
  { lanes }: OpenPartition<PendingRecord>,
  offset: bigint,
): { lane: Lane<PendingRecord>; pending: PendingRecord } | undefined {
  for (const lane of lanes.lanes()) {
    for (let index = 0; index < lane.length; index += 1) {
      const pending = lane.at(index);
      if (pending.record.offset === offset) return { lane, pending };
    }
  }
  return undefined;
}

function refusalFor(partition: OpenPartition<PendingRecord>, offset: bigint): SkipAnswer {
  const { ledger } = partition;
  if (offset >= ledger.end)
    return refused('not-fetched', `it is not fetched yet: this gateway has read up to offset ${ledger.end}`);
  if (partition.isAhead(offset)) {
    const first = `first skip the record that holds them up, at offset ${ledger.position}`;
    return refused('ahead', `too many records before it are not settled: ${first}`);
  }
  return refused('settled', 'it is settled already, or the offset holds no record');
}

function placeIn(lane: Lane<PendingRecord>, pending: PendingRecord): number {
  let index = 0;
  while (index < lane.length && lane.at(index) !== pending) index += 1;
  return index;
}

/** It has just been delivered, and its reply is about to be stored. There is something to skip only if that fails. */
function isAboutToReply(lane: Lane<PendingRecord>, { reply }: PendingRecord): boolean {
  return reply !== undefined && lane.state === 'ready';
}

function skipCause({ request, pending, cause }: ActiveSkip): DeadLetterCause {
  const { attempts, batch } = pending;
  if (batch !== undefined)
    return {
      reason: 'unreadable',
      detail: `${batch.why}; skipped: ${wordsOf(request)}`,
      attempts,
    };
  const before = cause === undefined ? '' : `; before: ${cause.reason}: ${cause.detail}`;
  const detail = `${wordsOf(request)}${before}`;
  return { reason: 'skipped', detail, status: cause?.status, attempts };
}

function wordsOf({ reason, by }: SkipRequest): string {
  return `${reason === '' ? 'no reason given' : reason} (${by})`;
}

function traceOf({ pending, cause }: ActiveSkip, settlement: Settlement['kind'] | undefined): SkipTrace {
  const { record, batch, attempts, deadLetter, reply } = pending;
  return {
    record,
    batch,
    attempts,
    cause,
    deadLetter,
    reply: settlement === 'delivered' ? undefined : reply,
  };
}

function stillPending(active: ActiveSkip): SkipAnswer {
  const { lane, pending } = active;
  const place = placeIn(lane, pending);
  const why = !active.isTurned
    ? 'it is under way: it is skipped as soon as its attempt ends'
    : place === 0
      ? 'its dead letter could not be stored yet; the write is retried until it succeeds'
      : `its dead letter is stored in its turn: ${place} before it in its lane, the first at offset ${lane.at(0).record.offset}`;
  return { kind: 'pending', why, trace: traceOf(active, undefined) };
}

function refused(refusal: SkipRefusal, why: string): SkipAnswer & { kind: 'refused' } {
  return { kind: 'refused', refusal, why };
}
