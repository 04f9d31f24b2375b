// The events that the gateway's stages emit while they work. Metrics and logs listen to them; the stages do not know their listeners.
import { EventEmitter } from 'node:events';
import type { SentRequest } from './kubernetes-client.ts';
import type { ExpressionDialect } from './expressions.ts';
import type { KafkaRecord, TopicPartition } from './record.ts';
import type { StoredAt } from './record-sink.ts';
import type { PartitionProgress, SourceNotice, SourceState } from './record-source.ts';
import type { DeadLetterCause, Settlement } from './settlement.ts';
import type { SkipRequest, SkipTrace, UnreadableBatch } from './skip.ts';
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

/** Name of an event → its arguments. */
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
  /** A batch cannot be read, and its partition waits before it. */
  unreadable: [subscription: Subscription, batch: UnreadableBatch];
  /** The partition goes on: the batch was passed, or can be read. */
  passed: [subscription: Subscription, batch: UnreadableBatch];
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
  /** An exception that nobody expected stopped the trigger. It starts again after `restartMs`; undefined if it was ending anyway. */
  faulted: [subscription: Subscription, fault: Error, restartMs: number | undefined];
  /** A request to the API server of Kubernetes. */
  kubernetesRequest: [request: SentRequest];
  /** This gateway has stopped serving the trigger: whoever remembers something of it forgets it. Nothing of it is emitted after this. */
  ended: [subscription: Subscription];
}

/** Emits to each listener by itself: one that throws stops neither the others nor the records. */
export class GatewayEmitter extends EventEmitter<GatewayEvents> {
  readonly #onListenerFailed: (error: unknown, event: string) => void;

  /** `onListenerFailed` must not throw. */
  constructor(onListenerFailed: (error: unknown, event: string) => void = () => undefined) {
    super();
    this.#onListenerFailed = onListenerFailed;
  }

  override emit<K extends keyof GatewayEvents>(name: K, ...args: GatewayEvents[K]): boolean {
    const listeners = this.rawListeners(name);
    for (const listener of listeners) {
      try {
        Reflect.apply(listener, this, args);
      } catch (error) {
        this.#onListenerFailed(error, name);
      }
    }
    return listeners.length > 0;
  }
}
