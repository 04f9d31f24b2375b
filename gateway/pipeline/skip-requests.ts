// Settles a record because somebody says so, wherever in its lane it stands. What is under way ends first, for it may yet be
// delivered. With a dead-letter topic the record goes there, in its turn, as any other dead letter does; without, it leaves its
// lane at once, and the answer is all that is left of it.
import type { EventEmitter } from 'node:events';
import type { GatewayEvents } from '../../core/contract/gateway-events.ts';
import type { DeadLetterCause, Settlement } from '../../core/contract/settlement.ts';
import type { SkipAnswer, SkipRefusal, SkipRequest, SkipTrace } from '../../core/contract/skip.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { Lane, Lanes } from '../delivery/lanes.ts';
import type { BlockedRecords } from './blocked-records.ts';
import type { Delivery } from './pending-record.ts';
import type { ParkedLanes } from './parked-lanes.ts';
import type { OpenPartition } from './open-partition.ts';

export interface SkipRequestsOptions {
  readonly subscription: Subscription;
  readonly lanes: Lanes<Delivery>;
  readonly parking: ParkedLanes;
  readonly blocked: BlockedRecords;
  readonly events: EventEmitter<GatewayEvents>;
  readonly settle: (delivery: Delivery, settlement: Settlement['kind']) => void;
  /** There may be something to start. */
  readonly onDone: () => void;
}

interface Wish {
  readonly request: SkipRequest;
  readonly lane: Lane<Delivery>;
  readonly delivery: Delivery;
  readonly answer: (answer: SkipAnswer) => void;
  /** Why it was not delivered before. */
  cause: DeadLetterCause | undefined;
}

export class SkipRequests {
  readonly #options: SkipRequestsOptions;
  readonly #wishes = new Map<Delivery, Wish>();

  constructor(options: SkipRequestsOptions) {
    this.#options = options;
  }

  async skip(partition: OpenPartition<Delivery>, request: SkipRequest): Promise<SkipAnswer> {
    const found = find(partition, request.offset);
    if (found === undefined) return whyNot(partition, request.offset);
    const { lane, delivery } = found;
    const { promise, resolve } = Promise.withResolvers<SkipAnswer>();
    const before = this.#wishes.get(delivery);
    before?.answer(refused('twice', 'it was asked for again, and the last word counts'));
    const wish: Wish = { request, lane, delivery, answer: resolve, cause: before?.cause };
    this.#wishes.set(delivery, wish);
    delivery.onSettled = (settlement) => this.#settled(wish, settlement);
    const timer = setTimeout(() => resolve(pending(wish)), request.waitMs);
    void promise.then(() => clearTimeout(timer));
    this.#try(wish);
    this.#options.onDone();
    return promise;
  }

  /** What was under way may have ended: called before anything is started. */
  proceed(): void {
    for (const wish of this.#wishes.values()) this.#try(wish);
  }

  forgetClosed(): void {
    for (const [delivery, wish] of this.#wishes) {
      if (delivery.partition.open) continue;
      this.#wishes.delete(delivery);
      wish.answer(refused('left', 'its partition has left this gateway before it was settled'));
    }
  }

  #try(wish: Wish): void {
    const { lanes, parking, blocked, settle } = this.#options;
    const { request, lane, delivery } = wish;
    if (placeIn(lane, delivery) < lane.taken || isAboutToReply(lane, delivery)) return;
    const isBuried = this.#options.subscription.delivery.deadLetter !== undefined && request.deadLetter;
    if (delivery.cause?.reason !== 'skipped') wish.cause ??= delivery.cause ?? blocked.causeOf(delivery);
    else if (isBuried) return;
    const isFirst = lane.at(0) === delivery;
    if (isFirst) parking.cancel(lane);
    if (isBuried) {
      delivery.cause = skipCause(wish);
      if (isFirst) lanes.unpark(lane);
      return;
    }
    if (!lanes.withdraw(lane, delivery)) return;
    delivery.end();
    blocked.remove(delivery);
    settle(delivery, 'skipped');
  }

  #settled(wish: Wish, settlement: Settlement['kind']): void {
    const { subscription, events } = this.#options;
    const trace = traceOf(wish, settlement);
    this.#wishes.delete(wish.delivery);
    if (settlement === 'skipped') events.emit('skipped', subscription, wish.request, trace);
    wish.answer({ kind: 'settled', settlement, trace });
  }
}

function find(
  { lanes }: OpenPartition<Delivery>,
  offset: bigint,
): { lane: Lane<Delivery>; delivery: Delivery } | undefined {
  for (const lane of lanes.lanes()) {
    for (let index = 0; index < lane.length; index += 1) {
      const delivery = lane.at(index);
      if (delivery.record.offset === offset) return { lane, delivery };
    }
  }
  return undefined;
}

function whyNot(partition: OpenPartition<Delivery>, offset: bigint): SkipAnswer {
  const { ledger } = partition;
  if (offset >= ledger.end)
    return refused('not-fetched', `it is not fetched yet: this gateway has read up to offset ${ledger.end}`);
  if (partition.isAhead(offset)) {
    const first = `skip what holds them up first, at offset ${ledger.position}`;
    return refused('ahead', `too many records before it are not settled: ${first}`);
  }
  return refused('settled', 'it is settled already, or the offset holds no record');
}

function placeIn(lane: Lane<Delivery>, delivery: Delivery): number {
  let index = 0;
  while (index < lane.length && lane.at(index) !== delivery) index += 1;
  return index;
}

/** It was delivered this moment: only if its reply cannot be stored there is something to skip. */
function isAboutToReply(lane: Lane<Delivery>, { reply }: Delivery): boolean {
  return reply !== undefined && lane.state === 'ready';
}

function skipCause({ request, delivery, cause }: Wish): DeadLetterCause {
  const before = cause === undefined ? '' : `; before: ${cause.reason}: ${cause.detail}`;
  const detail = `${request.reason === '' ? 'no reason given' : request.reason} (${request.by})${before}`;
  return { reason: 'skipped', detail, status: cause?.status, attempts: delivery.attempts };
}

function traceOf({ delivery, cause }: Wish, settlement: Settlement['kind'] | undefined): SkipTrace {
  const { record, attempts, deadLetter, reply } = delivery;
  return { record, attempts, cause, deadLetter, reply: settlement === 'delivered' ? undefined : reply };
}

function pending(wish: Wish): SkipAnswer {
  const { lane, delivery } = wish;
  const place = placeIn(lane, delivery);
  const why =
    delivery.cause?.reason !== 'skipped'
      ? 'it is under way: it is skipped as soon as its attempt has ended'
      : place === 0
        ? 'its dead letter could not be stored yet, and is tried again until it is'
        : `its dead letter is stored in its turn: ${place} before it in its lane, the first at offset ${lane.at(0).record.offset}`;
  return { kind: 'pending', why, trace: traceOf(wish, undefined) };
}

function refused(refusal: SkipRefusal, why: string): SkipAnswer {
  return { kind: 'refused', refusal, why };
}
