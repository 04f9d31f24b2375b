// The events that the gateway's stages emit while they work. Metrics and logs listen to them; the stages do not know their listeners.
import type { ExpressionDialect } from './expressions.ts';
import type { KafkaRecord, TopicPartition } from './record.ts';
import type { StoredAt } from './record-sink.ts';
import type { PartitionProgress, SourceNotice, SourceState } from './record-source.ts';
import type { DeadLetterCause, Settlement } from './settlement.ts';
import type { SkipRequest, SkipTrace } from './skip.ts';
import type { Subscription } from './subscription.ts';

/**
 * An expression among the filters that could not be evaluated on an event, so the event does not pass. It carries no message, because a
 * message may quote the event; `millrace try` shows it.
 */
export interface FilterFault {
  /** `filters[1].all[0]`. */
  readonly path: string;
  readonly dialect: ExpressionDialect;
  /** A code of the dialect: `missingAttribute`, `cast`… */
  readonly code: string;
}

/** Name of an event → its arguments. Listeners (metrics, logs) must not throw. */
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
  /** A batch failed as a whole, and is sent again in halves; no attempt is charged. */
  bisected: [subscription: Subscription, events: number, reason: string];
  skipped: [subscription: Subscription, request: SkipRequest, trace: SkipTrace];
  blocked: [subscription: Subscription, record: KafkaRecord, reason: string];
  unblocked: [subscription: Subscription, record: KafkaRecord];
  /** `missing`: which credentials are missing; undefined if the reason is that no endpoint is ready. */
  held: [subscription: Subscription, missing: string | undefined];
  released: [subscription: Subscription];
  endpoints: [subscription: Subscription, ready: number];
  /** An endpoint accepts no connection, or none may be opened to it: see `why`. It gets no requests until a connection succeeds. */
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
  /** True: so much of a partition waits behind failures that no more of it is fetched. False: fetching continues. */
  congested: [
    subscription: Subscription,
    partition: TopicPartition,
    parked: { readonly lanes: number; readonly items: number },
    congested: boolean,
  ];
}
