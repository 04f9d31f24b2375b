// What the gateway's stages emit while they work. Metrics and logs listen; no stage knows that anyone does.
import type { ExpressionDialect } from './expressions.ts';
import type { KafkaRecord, TopicPartition } from './record.ts';
import type { StoredAt } from './record-sink.ts';
import type { PartitionProgress, SourceNotice, SourceState } from './record-source.ts';
import type { DeadLetterCause, Settlement } from './settlement.ts';
import type { SkipRequest, SkipTrace } from './skip.ts';
import type { Subscription } from './subscription.ts';

/**
 * An expression among the filters that could not be evaluated on an event, which it therefore does not let pass. What exactly
 * went wrong may quote the event, and is for `millrace try` to tell.
 */
export interface FilterFault {
  /** `filters[1].all[0]`. */
  readonly path: string;
  readonly dialect: ExpressionDialect;
  /** One of the dialect's few: `missingAttribute`, `cast`… */
  readonly code: string;
}

/** What happens in the gateway, for whoever watches (metrics, logs, traces): name → arguments. Listeners must not throw. */
export interface GatewayEvents {
  fetched: [subscription: Subscription, records: number, bytes: number];
  attempted: [
    subscription: Subscription,
    outcome: string,
    status: number | undefined,
    seconds: number,
    events: number,
  ];
  settled: [
    subscription: Subscription,
    record: KafkaRecord,
    settlement: Settlement['kind'],
    attempts: number,
  ];
  replied: [subscription: Subscription, storedAt: StoredAt];
  deadLettered: [subscription: Subscription, record: KafkaRecord, cause: DeadLetterCause, storedAt: StoredAt];
  filterFailed: [subscription: Subscription, fault: FilterFault];
  retrying: [
    subscription: Subscription,
    record: KafkaRecord,
    attempts: number,
    delayMs: number,
    reason: string,
  ];
  /** A batch failed as a whole, and goes again in halves; no attempt is charged. */
  bisected: [subscription: Subscription, events: number, reason: string];
  skipped: [subscription: Subscription, request: SkipRequest, trace: SkipTrace];
  blocked: [subscription: Subscription, record: KafkaRecord, reason: string];
  unblocked: [subscription: Subscription, record: KafkaRecord];
  /** `lack`: what of our credentials is not there; undefined where no endpoint is ready. */
  held: [subscription: Subscription, lack: string | undefined];
  released: [subscription: Subscription];
  endpoints: [subscription: Subscription, ready: number];
  /** An endpoint takes no connection, or is given none: it is left alone until it takes one. */
  unreachable: [
    subscription: Subscription,
    origin: string,
    why: { readonly reason: string; readonly code?: string | undefined },
  ];
  circuitOpened: [subscription: Subscription, origin: string];
  circuitClosed: [subscription: Subscription, origin: string];
  sourceState: [subscription: Subscription, state: SourceState];
  sourceNotice: [subscription: Subscription, notice: SourceNotice];
  opened: [subscription: Subscription, partition: TopicPartition, nextOffset: bigint];
  closed: [subscription: Subscription, partition: TopicPartition];
  committed: [subscription: Subscription, progress: readonly PartitionProgress[]];
  commitFailed: [subscription: Subscription, error: Error];
  storeFailed: [subscription: Subscription, record: KafkaRecord, what: 'dead letter' | 'reply', error: Error];
  paused: [subscription: Subscription, partition: TopicPartition, paused: boolean];
  /** So much of a partition waits behind failures that no more of it is fetched, or no longer so much. */
  congested: [
    subscription: Subscription,
    partition: TopicPartition,
    parked: { readonly lanes: number; readonly items: number },
    congested: boolean,
  ];
}
