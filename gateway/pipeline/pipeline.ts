// One trigger's way from records to settlements, composed of the stages; the only file that knows them all.
//
//   RecordSource ─► decode ─► filter ─► lanes ─► dispatcher (attempt, retry, hold) ─► settlement ─► ledger ─► committer
//        ▲                      │                     │                                    ▲           │
//        │                      └── filtered ─────────┼────────────────────────────────────┘           │
//        └─────────── pause / unpause (memory) ◄──────┴────────── offsets to commit ◄──────────────────┘
import type { EventEmitter } from 'node:events';
import {
  ownBytes,
  partitionName,
  recordBytes,
  type KafkaRecord,
  type TopicPartition,
} from '../../core/contract/record.ts';
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
import type { Settlement } from '../../core/contract/settlement.ts';
import type { BlockedRecord, SkipAnswer, SkipRequest } from '../../core/contract/skip.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { ConnectGuard } from '../../core/network/connect-guard.ts';
import { Endpoints } from '../delivery/endpoints.ts';
import { Lanes } from '../delivery/lanes.ts';
import { createDecode } from '../events/decode.ts';
import { compileFilter } from '../filter/compile-filter.ts';
import { createCommits, type Commits } from './commits.ts';
import { PendingRecord } from './pending-record.ts';
import { Dispatcher } from './dispatcher.ts';
import { PausedPartitions } from './paused-partitions.ts';
import { OpenPartition, type Budget } from './open-partition.ts';
import type { TriggerSnapshot } from './trigger-snapshot.ts';

export interface PipelineDependencies {
  readonly createSource: CreateRecordSource;
  readonly endpoints: EndpointSource;
  /** Where its dead letters and replies are stored. */
  readonly sinkOf: (subscription: Subscription) => RecordSink;
  readonly activation: ActivationCall;
  /** Which addresses functions that are named by URI may have; absent: any. */
  readonly uriGuard?: ConnectGuard | undefined;
  readonly openAccess: OpenFunctionAccess;
  readonly events: EventEmitter<GatewayEvents>;
  /** How long a stop waits for what is in flight. */
  readonly drainLimitMs: number;
}

/** What was drained is committed within the rest of the drain limit, or as long as this, in ms. */
const leastFinishMs = 5_000;

export class Pipeline implements RecordListener {
  readonly subscription: Subscription;
  readonly #dependencies: PipelineDependencies;
  readonly #source: RecordSource;
  readonly #commits: Commits;
  readonly #access: FunctionAccess | undefined;
  readonly #endpoints: Endpoints;
  readonly #dispatcher: Dispatcher;
  readonly #lanes: Lanes<PendingRecord>;
  readonly #decode: ReturnType<typeof createDecode>;
  readonly #passes: ReturnType<typeof compileFilter>;
  readonly #partitions = new Map<string, OpenPartition<PendingRecord>>();
  readonly #paused: PausedPartitions;
  readonly #counts = { delivered: 0, filtered: 0, 'dead-lettered': 0, skipped: 0 };
  #unwatch: (() => void) | undefined;
  #budget: Budget;
  #state: SourceState = { kind: 'starting', reason: 'not started' };

  constructor(subscription: Subscription, dependencies: PipelineDependencies, budget: Budget) {
    this.subscription = subscription;
    this.#dependencies = dependencies;
    this.#budget = budget;
    const { events } = dependencies;
    this.#source = dependencies.createSource(subscription, this);
    this.#decode = createDecode(subscription.event, subscription.source.cluster, subscription);
    this.#passes = compileFilter(
      subscription.filters,
      (fault) => void events.emit('filterFailed', subscription, fault),
    );
    this.#paused = new PausedPartitions(subscription, this.#source, events, () => this.#share());
    this.#lanes = new Lanes(subscription.delivery.ordering, ({ bytes }) => bytes);
    this.#commits = createCommits({ subscription, source: () => this.#source, events });
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
      attempted: (pending) => this.#attempted(pending),
      pumped: () => this.#paused.goOn(),
      settle: (pending, settlement) => this.#settle(pending, settlement),
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

  /** What may lie in memory from now on. */
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
    for (const record of records) bytes += this.#admit(open, record);
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
    // What was done in order is worth waiting for a Kafka that takes no commits for a while.
    await this.#commits.finish(open, Math.max(leastFinishMs, startedMs + drainLimitMs - performance.now()));
  }

  resume(): void {
    void this.#commits.flush();
    this.#dispatcher.pump();
  }

  state(state: SourceState): void {
    this.#state = state;
    this.#dependencies.events.emit('sourceState', this.subscription, state);
  }

  /** Settles a record because somebody says so. When it resolves, Kafka has been told where it was settled. */
  async skip(request: SkipRequest): Promise<SkipAnswer> {
    const { topics } = this.subscription.source;
    const topic = request.topic ?? (topics.length === 1 ? topics[0] : undefined);
    if (topic === undefined)
      return { kind: 'refused', refusal: 'ambiguous', why: 'the trigger reads several topics: name one' };
    const partition = this.#partitions.get(partitionName({ topic, partition: request.partition }));
    if (partition === undefined) {
      const names = [...this.#partitions.keys()].join(', ');
      const why = `this gateway has not partition ${request.partition} of ${topic}, but ${names || 'none'}`;
      return { kind: 'refused', refusal: 'elsewhere', why };
    }
    const answer = await this.#dispatcher.skip(partition, request);
    if (answer.kind === 'settled') await this.#commits.flush();
    return answer;
  }

  /** What blocks its lane, for longest first. */
  blocked(limit: number): BlockedRecord[] {
    return this.#dispatcher.blocked.list(limit);
  }

  noticed(notice: SourceNotice): void {
    this.#dependencies.events.emit('sourceNotice', this.subscription, notice);
  }

  snapshot(): TriggerSnapshot {
    let queued = 0;
    let parked = 0;
    let congested = 0;
    for (const partition of this.#partitions.values()) {
      queued += partition.records;
      parked += partition.lanes.parked.lanes;
      if (partition.congested) congested += 1;
    }
    const { inFlight, blocked, isHolding, isRateLimited, replies } = this.#dispatcher;
    const reason = this.#reason();
    return {
      key: this.subscription.key,
      state: this.#state.kind,
      reason,
      ready: reason === '',
      lack: this.#access?.lack ?? '',
      partitions: this.#partitions.size,
      ...this.#endpoints.figures,
      isRateLimited,
      queued,
      inFlight,
      held: isHolding ? queued : 0,
      parked,
      congested,
      blocked: blocked.count,
      firstBlocked: blocked.first,
      delivered: this.#counts.delivered,
      filtered: this.#counts.filtered,
      deadLettered: this.#counts['dead-lettered'],
      skipped: this.#counts.skipped,
      replies,
    };
  }

  /** Why it is not ready, in words; empty where it is. */
  #reason(): string {
    if (this.#state.kind !== 'consuming') return this.#state.reason;
    if (performance.now() < this.#source.leaseEndMs) return '';
    return 'the group has not confirmed this member for a whole session: nothing new is started';
  }

  /** Takes one record in; returns the bytes that it was charged for. What was fetched before, in an earlier life, is passed over. */
  #admit(partition: OpenPartition<PendingRecord>, record: KafkaRecord): number {
    const { ledger } = partition;
    if (record.offset < ledger.end || ledger.isSettled(record.offset)) return 0;
    ledger.track(record.offset);
    const bytes = recordBytes(record);
    // Few of many records pass a filter: each would keep the whole fetched batch in memory.
    if (this.subscription.filters.length > 0) ownBytes(record);
    const decoded = this.#decode(record);
    if (decoded.kind === 'event' && !this.#passes(decoded.event)) {
      partition.ledger.settle(record.offset);
      this.#counts.filtered += 1;
      this.#dependencies.events.emit('settled', this.subscription, record, 'filtered', 0);
      return bytes;
    }
    const pending = new PendingRecord(
      partition,
      record,
      decoded.kind === 'event' ? decoded.event : undefined,
      bytes,
    );
    if (decoded.kind === 'undecodable') {
      pending.cause = { reason: 'undecodable', detail: decoded.reason, attempts: 0 };
    }
    this.#remember(pending);
    partition.records += 1;
    partition.bytes += bytes;
    partition.add(record.offset, record.key, pending);
    return bytes;
  }

  /** Attempts that were made before the partition came here count. */
  #remember(pending: PendingRecord): void {
    const { partition, record } = pending;
    const attempts = partition.ledger.attemptsOf(record.offset);
    if (attempts === 0) return;
    const { retry } = this.subscription.delivery;
    pending.attempts = attempts;
    partition.attempts.set(record.offset, attempts);
    if (retry === -1 || attempts <= retry) return;
    const detail = `no attempt is left: all ${attempts} were made before the partition came to this gateway`;
    pending.cause ??= { reason: 'exhausted', detail, attempts };
  }

  #attempted({ partition, record, attempts }: PendingRecord): void {
    if (!partition.open) return;
    partition.attempts.set(record.offset, attempts);
    this.#commits.mark(partition);
  }

  #settle(pending: PendingRecord, settlement: Settlement['kind']): void {
    const { partition, record } = pending;
    if (!partition.open) return;
    partition.records -= 1;
    partition.bytes -= pending.bytes;
    this.#counts[settlement] += 1;
    partition.ledger.settle(record.offset);
    if (partition.attempts.size > 0) partition.attempts.delete(record.offset);
    partition.catchUp();
    this.#commits.mark(partition);
    this.#dependencies.events.emit('settled', this.subscription, record, settlement, pending.attempts);
    pending.onSettled?.(settlement);
  }

  /** Each partition has its own part of the budget, so that one that is stuck leaves room to the others. */
  #share(): Budget {
    const parts = Math.max(1, this.#partitions.size);
    return {
      records: Math.max(1, this.#budget.records / parts),
      bytes: Math.max(1, this.#budget.bytes / parts),
    };
  }
}
