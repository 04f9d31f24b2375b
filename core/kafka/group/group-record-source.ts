// A member of a consumer group, on kafkajs, as a RecordSource: fetched batches are handed over at once and never waited for;
// a partition that stays goes on through rebalances, one that leaves is drained before anybody else gets it; a client that
// gave up is built anew, as the same member.
import type { Kafka } from 'kafkajs';
import { describeError, MillraceError } from '../../contract/errors.ts';
import type {
  CreateRecordSource,
  PartitionProgress,
  RecordListener,
  RecordSource,
  TransactionOutcome,
} from '../../contract/record-source.ts';
import type { OutgoingRecord } from '../../contract/record-sink.ts';
import type { TopicPartition } from '../../contract/record.ts';
import type { Subscription } from '../../contract/subscription.ts';
import { Assignment } from './assignment.ts';
import { explainCoordinator, explainRead } from './member-refusal.ts';
import { createGroupConsumer, type GroupConsumer } from './group-consumer.ts';
import type { Membership } from './group-member.ts';
import { sleep } from './sleep.ts';
import { failing, isPassing, quietMs } from './source-failure.ts';
import { createSourceHealth, type Departure } from './source-health.ts';
import { Stalls } from '../fetch/stalls.ts';
import { TopicMemory } from '../fetch/topic-memory.ts';
import { createTopicWatch, watchMs, type TopicFollower, type TopicWatch } from '../fetch/topic-watch.ts';
import { scanTopics, topicsMissing } from '../fetch/find-topics.ts';
import { Transactions } from '../produce/transactions.ts';
import { FairScheduler } from '../fetch/fair-scheduler.ts';

export interface RecordSourceOptions {
  readonly kafka: Kafka;
  /** Resolves when there is any use in connecting. Never rejects. */
  readonly ready?: (() => Promise<void>) | undefined;
}

interface SharedParts extends RecordSourceOptions {
  readonly watch: TopicWatch;
  readonly scheduler: FairScheduler;
}

/** Pauses before the client is built anew, and how long one lives whose failure is the first of its kind, in ms. */
const rebuildMs = { first: 250, longest: 5_000, calm: 20_000 };
/** A client whose brokers are away is not waited for longer than this, in ms; the group's session timeout ends it there. */
const leaveMs = 5_000;
/** How long a position may stand still while records wait, in ms. */
const stallLimitMs = 15_000;

export function createRecordSources(options: RecordSourceOptions): CreateRecordSource {
  const shared = { ...options, watch: createTopicWatch(options.kafka), scheduler: new FairScheduler() };
  return (subscription, listener) => new GroupSource(shared, subscription, listener);
}

class GroupSource implements RecordSource {
  readonly #options: SharedParts;
  readonly #subscription: Subscription;
  readonly #listener: RecordListener;
  readonly #abort = new AbortController();
  readonly #memory = new TopicMemory();
  readonly #stalls = new Stalls(stallLimitMs, 3 * (watchMs.pause + watchMs.look));
  /** Where replies are transactional. */
  readonly #transactions: Transactions | undefined;
  readonly #assignment: Assignment;
  /** At the last look. */
  #found: readonly string[] = [];
  #missing: readonly string[] = [];
  #stalled: readonly string[] = [];
  /** Of the last client, as the next. */
  #membership: Membership | undefined;
  #leaseEndMs = Number.NEGATIVE_INFINITY;
  /** While there is a client. */
  #watching: TopicFollower | undefined;
  #done: Promise<void> | undefined;

  constructor(options: SharedParts, subscription: Subscription, listener: RecordListener) {
    this.#options = options;
    this.#subscription = subscription;
    this.#listener = listener;
    const { kafka } = options;
    const { consumerGroup: groupId } = subscription.source;
    if (subscription.reply?.transactional === true)
      this.#transactions = new Transactions({ kafka, groupId, leaseEndMs: () => this.leaseEndMs });
    this.#assignment = new Assignment({
      source: subscription.source,
      listener,
      watch: options.watch,
      memory: this.#memory,
      transactions: this.#transactions,
      signal: this.#abort.signal,
      onOpened: () => this.#tell(),
    });
  }

  get leaseEndMs(): number {
    if (!this.#assignment.isSure) return Number.NEGATIVE_INFINITY;
    return Math.max(this.#leaseEndMs, this.#assignment.member?.leaseEndMs ?? Number.NEGATIVE_INFINITY);
  }

  get markBytes(): number {
    return this.#assignment.markBytes;
  }

  start(): void {
    this.#done ??= this.#follow();
  }

  pause(partition: TopicPartition): void {
    this.#assignment.setPaused(partition, true);
  }

  unpause(partition: TopicPartition): void {
    this.#assignment.setPaused(partition, false);
  }

  commit(progress: readonly PartitionProgress[]): Promise<void> {
    return this.#assignment.commit(progress);
  }

  commitWith(progress: PartitionProgress, records: readonly OutgoingRecord[]): Promise<TransactionOutcome> {
    return this.#assignment.commitWith(progress, records);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  #isStopping(): boolean {
    return this.#abort.signal.aborted;
  }

  async #follow(): Promise<void> {
    const unfollow = this.#options.watch.follow({
      wantsAllNames: this.#subscription.source.topicPattern !== undefined,
      topics: () => this.#watching?.topics() ?? [],
      partitions: () => this.#watching?.partitions() ?? [],
      seen: (snapshot) => this.#watching?.seen(snapshot),
    });
    await this.#options.ready?.();
    await this.#run();
    unfollow();
  }

  async #run(): Promise<void> {
    let delayMs = rebuildMs.first;
    while (!this.#isStopping()) {
      const startedMs = performance.now();
      try {
        await this.#consume();
      } catch (error) {
        if (this.#isStopping()) break;
        // One that fails again and again soon after it joined is not to keep its group from work.
        if (performance.now() - startedMs > rebuildMs.calm) delayMs = rebuildMs.first;
        if (delayMs >= quietMs || !isPassing(error))
          this.#listener.state(failing(await this.#explain(error)));
        await sleep(delayMs, this.#abort.signal);
        delayMs = Math.min(delayMs * 2, rebuildMs.longest);
      }
    }
    this.#assignment.closeAll();
    await this.#transactions?.closeAll();
  }

  async #explain(error: unknown): Promise<unknown> {
    const { watch } = this.#options;
    const { consumerGroup: group, topics, topicPattern } = this.#subscription.source;
    const ask = (): Promise<unknown> => watch.readOffsets({ group, topics, topicPattern });
    return explainCoordinator(await explainRead(error, this.#found, watch), ask);
  }

  /** One life of a client: resolves when it is to be left (stop, other topics, a stall); rejects when it failed. */
  async #consume(): Promise<void> {
    const { source } = this.#subscription;
    this.#listener.state({ kind: 'starting', reason: 'looking up the topics' });
    const topics = await this.#scan();
    this.#listener.state({ kind: 'starting', reason: `joining the group ${source.consumerGroup}` });
    const departure = Promise.withResolvers<Departure>();
    const over = new AbortController();
    const member = this.#createMember();
    this.#assignment.isOpening = true;
    this.#watching = this.#createWatch(topics, member, departure.resolve);
    try {
      this.#assignment.member = member;
      const failed = member.start(topics).then(() => member.crashed);
      failed.catch(() => undefined);
      const stopped = sleep(undefined, AbortSignal.any([over.signal, this.#abort.signal]));
      const left = await Promise.race([failed, departure.promise, stopped]);
      if (left !== undefined) this.#listener.noticed({ kind: 'rebuilt', ...left });
    } catch (error) {
      if (!this.#isStopping())
        this.#listener.noticed({ kind: 'rebuilt', reason: 'crashed', detail: describeError(error) });
      throw error;
    } finally {
      over.abort();
      this.#watching = undefined;
      await this.#depart(member);
    }
  }

  #createMember(): GroupConsumer {
    const assignment = this.#assignment;
    const member: GroupConsumer = createGroupConsumer({
      kafka: this.#options.kafka,
      scheduler: this.#options.scheduler,
      groupId: this.#subscription.source.consumerGroup,
      membership: this.#membership,
      owned: () => assignment.list(),
      onJoined: (joined) => assignment.joined(joined, member),
      onBatch: (batch) => assignment.hand(batch, member),
      onMarkersOnly: (partition, fetchedOffset, nextOffset) =>
        assignment.passMarkers(partition, fetchedOffset, nextOffset, member),
      onLeaseRenewed: () => this.#listener.resume(),
      onOutOfRange: (partition) => void assignment.findRange(partition, member),
    });
    return member;
  }

  #createWatch(
    subscribed: readonly string[],
    member: GroupConsumer,
    leave: (departure: Departure) => void,
  ): TopicFollower {
    const assignment = this.#assignment;
    return createSourceHealth({
      source: this.#subscription.source,
      member,
      subscribed,
      memory: this.#memory,
      stalls: this.#stalls,
      assigned: () => assignment.list(),
      joined: () => assignment.last?.partitions ?? [],
      isOpening: () => assignment.isOpening,
      leave,
      onRecreated: (topics) => assignment.startOver(topics, member),
      onStalled: (names) => {
        if (names.join() === this.#stalled.join()) return;
        this.#stalled = names;
        this.#tell();
      },
    });
  }

  /** The topics to read. One that was read before, and is gone, does not keep the others. */
  async #scan(): Promise<string[]> {
    const { source } = this.#subscription;
    const { found, missing } = await scanTopics(this.#options.watch, source);
    this.#found = found;
    this.#memory.scanned(found);
    this.#assignment.closeAll(({ topic }) => !found.includes(topic));
    if (found.length === 0 || !missing.every((topic) => this.#memory.hasBegun(topic)))
      throw topicsMissing(source, missing);
    this.#missing = missing;
    return found;
  }

  async #depart(member: GroupConsumer): Promise<void> {
    if (this.#isStopping()) {
      await this.#assignment.release(this.#assignment.list());
      this.#assignment.closeAll();
    }
    this.#leaseEndMs = Math.max(this.#leaseEndMs, member.leaseEndMs);
    this.#membership = member.membership;
    this.#assignment.member = undefined;
    const gone = new AbortController();
    const stopped = member.stop({ leave: this.#isStopping() }).catch(() => undefined);
    await Promise.race([stopped, sleep(leaveMs, gone.signal)]);
    gone.abort();
  }

  /** How it stands, as long as the client is at work. */
  #tell(): void {
    if (this.#assignment.isOpening) return;
    const partitions = this.#assignment.list().filter(({ leaving }) => !leaving);
    if (this.#missing.length > 0)
      this.#listener.state(failing(topicsMissing(this.#subscription.source, this.#missing)));
    else if (this.#stalled.length > 0) this.#listener.state(failing(stalledError(this.#stalled)));
    else this.#listener.state({ kind: 'consuming', partitions });
  }
}

function stalledError(names: readonly string[]): MillraceError {
  return new MillraceError(
    'MILLRACE_KAFKA_STALLED',
    `records wait, and are not fetched: ${names.join(', ')}`,
  );
}
