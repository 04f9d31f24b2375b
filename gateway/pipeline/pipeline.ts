// Takes one trigger from records to settlements. Composes the stages, and knows which partitions are open.
//
//   RecordSource ─► intake (decode, filter) ─► lanes ─► dispatcher (attempt, retry, hold) ─► settlement ─► ledger ─► committer
//        ▲                             │                     │                                    ▲           │
//        │                             └─── filtered ────────┼────────────────────────────────────┘           │
//        └───── pause / unpause (memory) ◄───────────────────┴─── offsets to commit ◄─────────────────────────┘
import type { EventEmitter } from 'node:events';
import { partitionName, type KafkaRecord, type TopicPartition } from '../../core/contract/record.ts';
import type { ActivationCall } from '../../core/contract/activation-call.ts';
import type {
  CreateRecordSource,
  PartitionProgress,
  RecordListener,
  RecordSource,
  SourceNotice,
  SourceState,
} from '../../core/contract/record-source.ts';
import type { EndpointSource } from '../../core/contract/endpoint-source.ts';
import type { FunctionAccess, OpenFunctionAccess } from '../../core/contract/endpoint-source.ts';
import type { GatewayEvents } from '../../core/contract/gateway-events.ts';
import type { RecordSink } from '../../core/contract/record-sink.ts';
import type { BlockedRecord, SkipAnswer, SkipRequest } from '../../core/contract/skip.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { ConnectGuard } from '../../core/network/connect-guard.ts';
import { Endpoints } from '../delivery/endpoints.ts';
import { Lanes } from '../delivery/lanes.ts';
import { createCommits, type Commits } from './commits.ts';
import type { PendingRecord } from './pending-record.ts';
import { Dispatcher } from './dispatcher.ts';
import { PausedPartitions } from './paused-partitions.ts';
import { OpenPartition, type Budget } from './open-partition.ts';
import { RecordIntake } from './record-intake.ts';
import { RecordSettlements } from './record-settlements.ts';
import { snapshotOf, type TriggerSnapshot } from './trigger-snapshot.ts';

export interface PipelineDependencies {
  readonly createSource: CreateRecordSource;
  readonly endpoints: EndpointSource;
  /** The sink for the dead letters and replies of a trigger. */
  readonly sinkOf: (subscription: Subscription) => RecordSink;
  readonly activation: ActivationCall;
  /** Guards the addresses of functions that are named by URI; absent: any address is allowed. */
  readonly uriGuard?: ConnectGuard | undefined;
  readonly openAccess: OpenFunctionAccess;
  readonly events: EventEmitter<GatewayEvents>;
  /** How long a stop waits for what is in flight, in ms. */
  readonly drainLimitMs: number;
}

/** Commits of drained records may take the rest of the drain limit, but at least this long, in ms. */
const minFinishMs = 5_000;

export class Pipeline implements RecordListener {
  readonly subscription: Subscription;
  readonly #dependencies: PipelineDependencies;
  readonly #source: RecordSource;
  readonly #commits: Commits;
  readonly #access: FunctionAccess | undefined;
  readonly #endpoints: Endpoints;
  readonly #dispatcher: Dispatcher;
  readonly #lanes: Lanes<PendingRecord>;
  readonly #intake: RecordIntake;
  readonly #settlements: RecordSettlements;
  readonly #partitions = new Map<string, OpenPartition<PendingRecord>>();
  readonly #paused: PausedPartitions;
  #unwatch: (() => void) | undefined;
  #budget: Budget;
  #state: SourceState = { kind: 'starting', reason: 'not started' };

  constructor(subscription: Subscription, dependencies: PipelineDependencies, budget: Budget) {
    this.subscription = subscription;
    this.#dependencies = dependencies;
    this.#budget = budget;
    const { events } = dependencies;
    this.#source = dependencies.createSource(subscription, this);
    this.#commits = createCommits({ subscription, source: () => this.#source, events });
    this.#settlements = new RecordSettlements(subscription, this.#commits, events);
    this.#intake = new RecordIntake(subscription, events, this.#settlements);
    this.#paused = new PausedPartitions(subscription, this.#source, events, () => this.#share());
    this.#lanes = new Lanes(subscription.delivery.ordering, ({ bytes }) => bytes);
    this.#access = dependencies.openAccess(subscription, () => {
      this.#endpoints.renew();
      this.#dispatcher.pump();
    });
    this.#endpoints = new Endpoints({
      concurrency: subscription.function.concurrency,
      retryAfterMaxMs: subscription.delivery.retryAfterMaxMs,
      guard: subscription.function.target.kind === 'uri' ? dependencies.uriGuard : undefined,
      tls: subscription.function.tls === undefined ? undefined : () => this.#access?.tls,
      onAvailable: () => this.#dispatcher.pump(),
      onReadyCount: (ready) => void events.emit('endpoints', subscription, ready),
      onUnreachable: (origin, why) => void events.emit('unreachable', subscription, origin, why),
      onCircuit: (origin, change) =>
        void events.emit(change === 'opened' ? 'circuitOpened' : 'circuitClosed', subscription, origin),
    });
    this.#dispatcher = new Dispatcher({
      subscription,
      lanes: this.#lanes,
      endpoints: this.#endpoints,
      sink: dependencies.sinkOf(subscription),
      activation: dependencies.activation,
      access: this.#access,
      events,
      leaseEndMs: () => this.#source.leaseEndMs,
      attempted: (pending) => this.#settlements.attempted(pending),
      pumped: () => this.#paused.goOn(),
      settle: (pending, settlement) => this.#settlements.settle(pending, settlement),
    });
  }

  start(): void {
    this.#unwatch = this.#dependencies.endpoints.watch(this.subscription, (ready) =>
      this.#endpoints.update(ready),
    );
    this.#source.start();
  }

  /** Finishes what is in flight within the drain limit, commits, leaves the group and closes all connections. */
  async stop(): Promise<void> {
    await this.#source.stop();
    this.#commits.stop();
    this.#unwatch?.();
    this.#dispatcher.close();
    await this.#endpoints.close();
    await this.#access?.close();
  }

  /** How much of the trigger may be in memory from now on. */
  setBudget(budget: Budget): void {
    this.#budget = budget;
  }

  open(partition: TopicPartition, start: Pick<PartitionProgress, 'offset' | 'metadata'>): void {
    const opened = new OpenPartition<PendingRecord>(
      partition,
      start,
      this.#lanes.group(),
      () => this.#source.markBytes,
    );
    this.#partitions.set(opened.name, opened);
    this.#commits.open(opened);
    this.#dependencies.events.emit('opened', this.subscription, partition, start.offset);
  }

  records(partition: TopicPartition, records: KafkaRecord[], nextOffset: bigint): void {
    const open = this.#partitions.get(partitionName(partition));
    if (open === undefined) return;
    const before = open.ledger.position;
    let bytes = 0;
    for (const record of records) bytes += this.#intake.take(open, record);
    open.ledger.advance(nextOffset);
    if (records.length > 0)
      this.#dependencies.events.emit('fetched', this.subscription, records.length, bytes);
    if (open.ledger.position !== before) this.#commits.mark(open);
    this.#paused.pauseIfOver(open);
    this.#dispatcher.pump();
  }

  close(partition: TopicPartition): void {
    const name = partitionName(partition);
    const closed = this.#partitions.get(name);
    if (closed === undefined) return;
    this.#partitions.delete(name);
    closed.open = false;
    this.#paused.forget(closed);
    closed.lanes.drop();
    this.#commits.close(closed);
    this.#dispatcher.forgetClosed();
    this.#dependencies.events.emit('closed', this.subscription, partition);
  }

  async release(partitions: readonly TopicPartition[]): Promise<void> {
    const open = partitions.flatMap((one) => this.#partitions.get(partitionName(one)) ?? []);
    const { drainLimitMs } = this.#dependencies;
    const startedMs = performance.now();
    await this.#dispatcher.release(open, drainLimitMs);
    // Kafka may take no commits for a while. It is worth waiting: what is not committed is delivered again.
    await this.#commits.finish(open, Math.max(minFinishMs, startedMs + drainLimitMs - performance.now()));
  }

  resume(): void {
    void this.#commits.flush();
    this.#dispatcher.pump();
  }

  state(state: SourceState): void {
    this.#state = state;
    this.#dependencies.events.emit('sourceState', this.subscription, state);
  }

  /** Skips a record on request. When this resolves with a settlement, that settlement is committed, or its commit has failed once. */
  async skip(request: SkipRequest): Promise<SkipAnswer> {
    const { topics } = this.subscription.source;
    const topic = request.topic ?? (topics.length === 1 ? topics[0] : undefined);
    if (topic === undefined)
      return {
        kind: 'refused',
        refusal: 'ambiguous',
        why: 'the trigger reads several topics: name the topic',
      };
    const partition = this.#partitions.get(partitionName({ topic, partition: request.partition }));
    if (partition === undefined) {
      const names = [...this.#partitions.keys()].join(', ') || 'no partition';
      const why = `this gateway does not read partition ${request.partition} of ${topic}; it reads ${names}`;
      return { kind: 'refused', refusal: 'elsewhere', why };
    }
    const answer = await this.#dispatcher.skip(partition, request);
    if (answer.kind === 'settled') await this.#commits.flush();
    return answer;
  }

  /** The records that block their lanes; those that have blocked for longest come first. */
  blocked(limit: number): BlockedRecord[] {
    return this.#dispatcher.blocked.list(limit);
  }

  noticed(notice: SourceNotice): void {
    this.#dependencies.events.emit('sourceNotice', this.subscription, notice);
  }

  snapshot(): TriggerSnapshot {
    return snapshotOf({
      key: this.subscription.key,
      state: this.#state,
      source: this.#source,
      access: this.#access,
      partitions: this.#partitions,
      endpoints: this.#endpoints,
      dispatcher: this.#dispatcher,
      settlements: this.#settlements,
    });
  }

  /** Each partition has its own part of the budget, so that a stuck partition leaves room for the others. */
  #share(): Budget {
    const parts = Math.max(1, this.#partitions.size);
    return {
      records: Math.max(1, this.#budget.records / parts),
      bytes: Math.max(1, this.#budget.bytes / parts),
    };
  }
}
