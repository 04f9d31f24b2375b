// Takes one trigger from records to settlements. Composes the stages, and knows which partitions are open.
//
//   RecordSource ─► intake (decode, filter) ─► lanes ─► dispatcher (attempt, retry, hold) ─► settlement ─► ledger ─► committer
//        ▲                             │                     │                                    ▲           │
//        │                             └─── filtered ────────┼────────────────────────────────────┘           │
//        └───── pause / unpause (memory) ◄───────────────────┴─── offsets to commit ◄─────────────────────────┘
import { partitionName, type KafkaRecord, type TopicPartition } from '../../core/contract/record.ts';
import type { ActivationCall } from '../../core/contract/activation-call.ts';
import { ErrorBoundary } from '../../core/contract/error-boundary.ts';
import type {
  OpenCluster,
  PartitionProgress,
  RecordListener,
  RecordSource,
  SourceNotice,
  SourceState,
} from '../../core/contract/record-source.ts';
import type { Endpoint, EndpointSource } from '../../core/contract/endpoint-source.ts';
import type { FunctionAccess, OpenFunctionAccess } from '../../core/contract/endpoint-source.ts';
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import type { RecordSink } from '../../core/contract/record-sink.ts';
import type { BlockedRecord, SkipAnswer, SkipRequest, UnreadableBatch } from '../../core/contract/skip.ts';
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
import { partitionOf } from './skip-requests.ts';
import { RecordSettlements } from './record-settlements.ts';
import { snapshotOf, type TriggerSnapshot } from './trigger-snapshot.ts';
import { UnreadableBatches } from './unreadable-batches.ts';

export interface PipelineDependencies {
  readonly openCluster: OpenCluster;
  readonly endpoints: EndpointSource;
  readonly activation: ActivationCall;
  /** Guards the addresses of functions that are named by URI; absent: any address is allowed. */
  readonly uriGuard?: ConnectGuard | undefined;
  /** Guards all other addresses of functions, which come from EndpointSlices; absent: any address is allowed. */
  readonly endpointGuard?: ConnectGuard | undefined;
  readonly openAccess: OpenFunctionAccess;
  readonly events: GatewayEmitter;
  /** How long a stop waits for what is in flight, in ms. */
  readonly drainLimitMs: number;
}

/** What one pipeline has besides. */
export interface PipelineOptions {
  readonly subscription: Subscription;
  /** How much of the trigger may be in memory now. */
  readonly budget: () => Budget;
  /** An exception that nobody expected: the owner stops the pipeline, which takes in nothing more. Must not throw. */
  readonly onFault: (fault: Error) => void;
}

/** Commits of drained records may take the rest of the drain limit, but at least this long, in ms. */
const minFinishMs = 5_000;

export class Pipeline implements RecordListener {
  readonly subscription: Subscription;
  readonly #dependencies: PipelineDependencies;
  readonly #boundary: ErrorBoundary;
  /** How to close what is open, in the order in which it was opened. */
  readonly #opened: (() => unknown)[] = [];
  #closing: Promise<void> | undefined;
  readonly #source: RecordSource;
  readonly #commits: Commits;
  readonly #access: FunctionAccess | undefined;
  readonly #endpoints: Endpoints;
  readonly #dispatcher: Dispatcher;
  readonly #lanes: Lanes<PendingRecord>;
  readonly #intake: RecordIntake;
  readonly #settlements: RecordSettlements;
  readonly #partitions = new Map<string, OpenPartition<PendingRecord>>();
  readonly #usage = { records: 0, bytes: 0 };
  readonly #paused: PausedPartitions;
  readonly #unreadable: UnreadableBatches;
  readonly #budget: () => Budget;
  #state: SourceState = { kind: 'starting', reason: 'not started' };

  /** Throws what a part throws; what was opened before that is closed. */
  constructor(options: PipelineOptions, dependencies: PipelineDependencies) {
    const { subscription, budget, onFault } = options;
    this.subscription = subscription;
    this.#dependencies = dependencies;
    this.#budget = budget;
    this.#boundary = new ErrorBoundary(onFault);
    try {
      const { events } = dependencies;
      const boundary = this.#boundary;
      const cluster = dependencies.openCluster(subscription);
      this.#opened.push(() => cluster.close());
      this.#source = cluster.createSource(subscription, this);
      this.#commits = createCommits({ subscription, source: () => this.#source, events, boundary });
      this.#settlements = new RecordSettlements(subscription, this.#commits, events, (pending) =>
        this.#unreadable.settled(pending),
      );
      this.#intake = new RecordIntake(subscription, events, this.#settlements);
      this.#paused = new PausedPartitions({
        ...{ subscription, events, budget, source: this.#source, usage: this.#usage },
        share: () => this.#share(),
      });
      this.#unreadable = new UnreadableBatches({
        subscription,
        source: this.#source,
        events,
        share: () => this.#share(),
        mark: (partition) => this.#commits.mark(partition),
        updatePause: (partition) => this.#paused.pauseIfOver(partition),
      });
      this.#lanes = new Lanes(subscription.delivery.ordering, ({ bytes }) => bytes);
      this.#access = dependencies.openAccess(
        subscription,
        boundary.guard(() => {
          this.#endpoints.renew();
          this.#dispatcher.pump();
        }),
      );
      this.#opened.push(() => this.#access?.close());
      this.#endpoints = this.#createEndpoints();
      this.#opened.push(() => this.#endpoints.close());
      this.#dispatcher = this.#createDispatcher(cluster.sink);
      this.#opened.push(() => this.#dispatcher.close());
    } catch (error) {
      void this.stop();
      throw error;
    }
  }

  #createEndpoints(): Endpoints {
    const { subscription } = this;
    const { events, uriGuard, endpointGuard } = this.#dependencies;
    return new Endpoints({
      boundary: this.#boundary,
      concurrency: subscription.function.concurrency,
      retryAfterMaxMs: subscription.delivery.retryAfterMaxMs,
      guard: subscription.function.target.kind === 'uri' ? uriGuard : endpointGuard,
      tls: subscription.function.tls === undefined ? undefined : () => this.#access?.tls,
      onAvailable: () => this.#dispatcher.pump(),
      onReadyCount: (ready) => void events.emit('endpoints', subscription, ready),
      onUnreachable: (origin, why) => void events.emit('unreachable', subscription, origin, why),
      onCircuit: (origin, change) =>
        void events.emit(change === 'opened' ? 'circuitOpened' : 'circuitClosed', subscription, origin),
    });
  }

  #createDispatcher(sink: RecordSink): Dispatcher {
    return new Dispatcher({
      subscription: this.subscription,
      boundary: this.#boundary,
      lanes: this.#lanes,
      endpoints: this.#endpoints,
      sink,
      activation: this.#dependencies.activation,
      access: this.#access,
      events: this.#dependencies.events,
      leaseEndMs: () => this.#source.leaseEndMs,
      attempted: (pending) => this.#settlements.attempted(pending),
      blockedChanged: ({ partition }) => partition.open && this.#commits.mark(partition),
      pumped: () => this.#paused.goOn(),
      settle: (pending, settlement) => this.#settlements.settle(pending, settlement),
    });
  }

  /** Throws what a part throws; `stop` then closes what is open. */
  start(): void {
    const update = this.#boundary.guard((ready: readonly Endpoint[]) => this.#endpoints.update(ready));
    this.#opened.push(this.#dependencies.endpoints.watch(this.subscription, update));
    this.#opened.push(() => this.#commits.stop());
    this.#opened.push(() => this.#source.stop());
    this.#source.start();
  }

  /** Finishes what is in flight within the drain limit, commits, leaves the group and closes all connections. Never rejects. */
  stop(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** Each part by itself: one that cannot be closed keeps no other open. */
  async #close(): Promise<void> {
    for (let close = this.#opened.pop(); close !== undefined; close = this.#opened.pop()) {
      try {
        await close();
      } catch (error) {
        this.#boundary.fail(error);
      }
    }
    this.#boundary.close();
  }

  open(partition: TopicPartition, start: Pick<PartitionProgress, 'offset' | 'metadata'>): void {
    this.#enter(() => {
      const opened = new OpenPartition<PendingRecord>(
        partition,
        start,
        this.#lanes.group(),
        () => this.#source.markBytes,
        this.#usage,
      );
      this.#commits.open(opened);
      this.#partitions.set(opened.name, opened);
      this.#dependencies.events.emit('opened', this.subscription, partition, start.offset);
    });
  }

  room(partition: TopicPartition): number {
    let room = Infinity;
    this.#enter(() => {
      const open = this.#partitions.get(partitionName(partition));
      if (open !== undefined) room = this.#paused.room(open);
    });
    return room;
  }

  records(partition: TopicPartition, records: KafkaRecord[], nextOffset: bigint, leaderEpoch?: number): void {
    this.#enter(() => {
      const open = this.#partitions.get(partitionName(partition));
      if (open === undefined) return;
      this.#unreadable.read(open);
      const before = open.ledger.position;
      let bytes = 0;
      for (const record of records) bytes += this.#intake.take(open, record);
      open.noteEpoch(leaderEpoch);
      // Only now: what was not taken in would be settled by it.
      open.ledger.advance(nextOffset);
      if (records.length > 0)
        this.#dependencies.events.emit('fetched', this.subscription, records.length, bytes);
      if (open.ledger.position !== before) this.#commits.mark(open);
      this.#paused.pauseIfOver(open);
      this.#dispatcher.pump();
    });
  }

  unreadable(partition: TopicPartition, batch: UnreadableBatch | undefined): void {
    this.#enter(() => {
      const open = this.#partitions.get(partitionName(partition));
      if (open !== undefined) this.#unreadable.found(open, batch);
    });
  }

  close(partition: TopicPartition): void {
    const name = partitionName(partition);
    const closed = this.#partitions.get(name);
    if (closed === undefined) return;
    // First, and after a fault too: from here on nothing of it is settled or committed.
    this.#partitions.delete(name);
    closed.close();
    this.#boundary.run(() => {
      this.#paused.forget(closed);
      this.#unreadable.forget(closed);
      closed.lanes.drop();
      this.#commits.close(closed);
      this.#dispatcher.forgetClosed();
      this.#dependencies.events.emit('closed', this.subscription, partition);
    });
  }

  release(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#boundary.settled(this.#release(partitions));
  }

  async #release(partitions: readonly TopicPartition[]): Promise<void> {
    const open = partitions.flatMap((one) => this.#partitions.get(partitionName(one)) ?? []);
    const { drainLimitMs } = this.#dependencies;
    const startedMs = performance.now();
    await this.#dispatcher.release(open, drainLimitMs);
    // Kafka may take no commits for a while. It is worth waiting: what is not committed is delivered again.
    await this.#commits.finish(open, Math.max(minFinishMs, startedMs + drainLimitMs - performance.now()));
  }

  resume(): void {
    this.#enter(() => {
      void this.#boundary.settled(this.#commits.flush());
      this.#dispatcher.pump();
    });
  }

  state(state: SourceState): void {
    this.#state = state;
    this.#dependencies.events.emit('sourceState', this.subscription, state);
  }

  noticed(notice: SourceNotice): void {
    this.#dependencies.events.emit('sourceNotice', this.subscription, notice);
  }

  failed(fault: Error): void {
    this.#boundary.fail(fault);
  }

  /** True after a fault: it has been reported to the owner. */
  get hasFault(): boolean {
    return this.#boundary.isBroken;
  }

  /** After a fault nothing new is taken in, because what comes next could cover what the fault has left out. */
  #enter(work: () => void): void {
    if (!this.#boundary.isBroken) this.#boundary.run(work);
  }

  /** Skips a record on request. When this resolves with a settlement, that settlement is committed, or its commit has failed once. */
  async skip(request: SkipRequest): Promise<SkipAnswer> {
    const found = partitionOf(request, this.subscription, this.#partitions);
    if (found.kind === 'refused') return found;
    const refusal = this.#unreadable.take(found.partition, request.offset);
    if (refusal !== undefined) return refusal;
    const answer = await this.#dispatcher.skip(found.partition, request);
    if (answer.kind === 'settled') await this.#commits.flush();
    return answer;
  }

  /** Batches that cannot be read, then the records that block their lanes; those that have blocked for longest come first. */
  blocked(limit: number): BlockedRecord[] {
    return [...this.#unreadable.list(limit), ...this.#dispatcher.blocked.list(limit)].slice(0, limit);
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
      unreadable: this.#unreadable,
    });
  }

  /** Each partition has its own part of the budget, so that a stuck partition leaves room for the others. */
  #share(): Budget {
    const parts = Math.max(1, this.#partitions.size);
    const { records, bytes } = this.#budget();
    return {
      records: Math.max(1, records / parts),
      bytes: Math.max(1, bytes / parts),
    };
  }
}
