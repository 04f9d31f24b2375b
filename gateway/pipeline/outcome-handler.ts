// Applies the outcome of an attempt to its records: settles them, sends them again after a delay, or gives them the cause of a
// dead letter. A batch that failed as a whole is halved. A record that is not settled stays first in its lane.
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import type { AttemptOutcome, Settlement } from '../../core/contract/settlement.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { bisectDelayMs, failsAsWhole, halfOf } from '../delivery/bisect.ts';
import type { Lane, Lanes } from '../delivery/lanes.ts';
import { nextDelayMs } from '../delivery/retry-policy.ts';
import type { BlockedRecords } from './blocked-records.ts';
import { lastDelivered } from './gather-batch.ts';
import type { ParkedLanes } from './parked-lanes.ts';
import type { PendingRecord } from './pending-record.ts';

export interface OutcomeHandlerOptions {
  readonly subscription: Subscription;
  readonly lanes: Lanes<PendingRecord>;
  readonly parking: ParkedLanes;
  readonly blocked: BlockedRecords;
  readonly events: GatewayEmitter;
  /** A record was attempted and will be attempted again. */
  readonly attempted: (pending: PendingRecord) => void;
  readonly settle: (pending: PendingRecord, settlement: Settlement['kind']) => void;
}

export class OutcomeHandler {
  readonly #options: OutcomeHandlerOptions;

  constructor(options: OutcomeHandlerOptions) {
    this.#options = options;
  }

  /** Applies `outcome` to the taken records of all lanes of `batch`, `size` in number. */
  apply(batch: readonly Lane<PendingRecord>[], size: number, outcome: AttemptOutcome): void {
    if (size > 1 && failsAsWhole(outcome)) {
      this.#bisect(batch, size, outcome);
      return;
    }
    const replyTo =
      outcome.kind === 'delivered' && outcome.reply !== undefined
        ? lastDelivered(batch, outcome.failedIds)
        : undefined;
    for (const lane of batch) this.#conclude(lane, outcome, replyTo);
  }

  /** The halves go again soon. No record is charged with an attempt. */
  #bisect(batch: readonly Lane<PendingRecord>[], size: number, outcome: AttemptOutcome): void {
    const { lanes, parking, events, subscription } = this.#options;
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
    parking.parkTogether(
      batch.filter(({ state }) => state === 'parked'),
      delayMs,
    );
  }

  /** Applies `outcome` to the taken records of `lane`. A reply is stored before `replyTo` is settled. */
  #conclude(lane: Lane<PendingRecord>, outcome: AttemptOutcome, replyTo: PendingRecord | undefined): void {
    const { lanes, parking, blocked, attempted, settle } = this.#options;
    const kept: PendingRecord[] = [];
    let delayMs = 0;
    for (let index = 0; index < lane.taken; index += 1) {
      const pending = lane.at(index);
      if (outcome.kind !== 'unreachable') pending.attempts += 1;
      if (outcome.kind === 'delivered' && outcome.failedIds?.has(pending.event?.id ?? '') !== true) {
        blocked.remove(pending);
        if (pending !== replyTo) {
          pending.end();
          settle(pending, 'delivered');
          continue;
        }
        pending.reply = outcome.reply;
      } else {
        delayMs = Math.max(delayMs, this.#retryDelayMs(pending, outcome));
        if (pending.cause === undefined) pending.end();
        if (outcome.kind !== 'unreachable') attempted(pending);
      }
      kept.push(pending);
    }
    lanes.finish(lane, kept, delayMs > 0 ? 'parked' : 'ready');
    if (lane.state === 'parked') parking.park(lane, delayMs);
  }

  /** The delay in ms before a record that was not delivered goes again: 0 for at once, and for a record that now has a cause instead. */
  #retryDelayMs(pending: PendingRecord, outcome: AttemptOutcome): number {
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
