// The ports between the stages and what lies outside: Kafka, the functions, the scaler, whoever watches.
// Implementations live in kafka/, delivery/ and control/; the pipeline composes them.
import type { ExpressionDialect } from './expressions.ts';
import type { FunctionTlsCredentials } from './function-access.ts';
import type { KafkaRecord, RecordHeader, TopicPartition } from './record.ts';
import type { DeadLetterCause, Settlement } from './settlement.ts';
import type { SkipRequest, SkipTrace } from './skip.ts';
import type { Subscription } from './subscription.ts';

/** Where a record was stored. */
export interface StoredAt extends TopicPartition {
  readonly offset: bigint;
}

export interface OutgoingRecord {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  readonly timestampMs?: number | undefined;
}

/** Stores records. `write` resolves when all in-sync replicas have it; it rejects when it cannot tell, and may be called again. */
export interface RecordSink {
  write(record: OutgoingRecord): Promise<StoredAt>;
}

export interface PartitionOffset extends TopicPartition {
  readonly offset: bigint;
}

/** How far a partition has come: the offset to commit, and the progress mark (progress-mark.ts) that goes with it. */
export interface PartitionProgress extends PartitionOffset {
  readonly metadata: string;
}

/** How a transaction ended. Of all but `committed`, nothing is stored, and nothing committed. */
export type TransactionOutcome =
  | { readonly kind: 'committed'; readonly storedAt: readonly StoredAt[] }
  /** A broker does not take what was to go to `topic`: because of a single record in it, or whatever goes there. */
  | {
      readonly kind: 'refused';
      readonly topic: string;
      readonly isOfOneRecord: boolean;
      readonly error: Error;
    }
  /** It may be tried again, unless the partition is closed meanwhile. */
  | { readonly kind: 'aborted'; readonly error: Error };

export type SourceState =
  | { readonly kind: 'starting'; readonly reason: string }
  | { readonly kind: 'consuming'; readonly partitions: readonly TopicPartition[] }
  | { readonly kind: 'failing'; readonly reason: string; readonly error: Error };

/** What a record source came upon and mended by itself. */
export type SourceNotice =
  | {
      readonly kind: 'rebuilt';
      readonly reason: 'crashed' | 'stalled' | 'joining' | 'topics';
      readonly detail: string;
    }
  /** From `offset` on, `count` offsets are not there any more: history was deleted before it was read. */
  | { readonly kind: 'skipped'; readonly at: PartitionOffset; readonly count: bigint }
  /** The topic was deleted and created again: what was under way is void, and all that is in it now is owed. */
  | { readonly kind: 'recreated'; readonly topic: string; readonly before: string; readonly now: string }
  /** The log ends before `position`: brokers lost what was written. Read again from `offset` on. */
  | { readonly kind: 'truncated'; readonly at: PartitionOffset; readonly position: bigint };

/**
 * What a record source tells its owner, always in this order per partition: `open`, `records`…, perhaps `release`, `close`.
 * None of it may throw.
 */
export interface RecordListener {
  /** `start.metadata` is what the group has committed with the offset. */
  open(partition: TopicPartition, start: Pick<PartitionProgress, 'offset' | 'metadata'>): void;
  /** `nextOffset` is past the batch, control records and compacted ones included. Never blocks. */
  records(partition: TopicPartition, records: KafkaRecord[], nextOffset: bigint): void;
  /**
   * These are to be closed: nothing new of them is started. Resolves when what was in flight is settled and committed, or the
   * owner's limit is over.
   */
  release(partitions: readonly TopicPartition[]): Promise<void>;
  /** The partition is another member's from here on: nothing of it may be settled any more. */
  close(partition: TopicPartition): void;
  /** The group takes commits again, and the lease is fresh: what waited for either goes on. */
  resume(): void;
  state(state: SourceState): void;
  noticed(notice: SourceNotice): void;
}

/** Where records come from: narrow, so that a sleeping trigger need not have a consumer of its own. */
export interface RecordSource {
  /**
   * In ms of `performance.now()`: until then nobody else can have been given what this member has. What is started later may
   * be started by another member as well.
   */
  readonly leaseEndMs: number;
  /** Most bytes that the brokers take as metadata of a commit, as far as it is known. */
  readonly markBytes: number;
  start(): void;
  pause(partition: TopicPartition): void;
  unpause(partition: TopicPartition): void;
  /** Resolves when Kafka has it; rejects when the group did not take it (rebalance, fencing, broker away). */
  commit(progress: readonly PartitionProgress[]): Promise<void>;
  /**
   * Stores `records`, in this order, and commits `progress`: both or neither, for readers of committed records. Only for a
   * subscription whose replies are transactional; one at a time of a partition, and no `commit` of it meanwhile. Resolves when
   * the outcome is known, however long that takes; never rejects.
   */
  commitWith(progress: PartitionProgress, records: readonly OutgoingRecord[]): Promise<TransactionOutcome>;
  /** Leaves the group, after `release` of all; every partition is closed when it resolves. */
  stop(): Promise<void>;
}

export type CreateRecordSource = (subscription: Subscription, listener: RecordListener) => RecordSource;

/** One ready endpoint of a function: an origin such as `http://10.1.2.3:8080`, unique within the function. */
export interface Endpoint {
  readonly origin: string;
}

/** Tells the ready endpoints of a function: at once with what is known, then at every change. Returns how to stop. */
export interface EndpointSource {
  watch(subscription: Subscription, onChange: (ready: readonly Endpoint[]) => void): () => void;
}

/** What a function is shown besides events, kept current. It holds secrets. Nothing of it throws or blocks. */
export interface FunctionAccess {
  /** Why nothing can be sent now, in words; undefined where requests may go. */
  readonly lack: string | undefined;
  /** For connections from now on, another object whenever they change; undefined where the trigger asks for no TLS. */
  readonly tls: FunctionTlsCredentials | undefined;
  /** The header that goes with each request; undefined where the trigger asks for none. */
  readonly authorization: string | undefined;
  /** The function answered 401 to `authorization`: nothing is sent until there is another, unless one has just been replaced for that. */
  refused(authorization: string): void;
  close(): Promise<void>;
}

/** Undefined for a trigger that asks for nothing. `onChange` is called when anything of it is another, never before it returns. */
export type OpenFunctionAccess = (
  subscription: Subscription,
  onChange: () => void,
) => FunctionAccess | undefined;

/** Tells the wanted triggers: once at the start, then whole again at every change. */
export interface TriggerSource {
  watch(onChange: (wanted: readonly Subscription[]) => void): Promise<() => void>;
}

/** Says to the scalers that records are held because no endpoint is ready. Never throws, never blocks. */
export interface ActivationCall {
  wake(subscription: Subscription): void;
}

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
  crowded: [
    subscription: Subscription,
    partition: TopicPartition,
    parked: { readonly lanes: number; readonly items: number },
    crowded: boolean,
  ];
}
