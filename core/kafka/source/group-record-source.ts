// A member of a consumer group as a RecordSource: what is fetched is handed over at once and never waited for; a partition that
// stays goes on through rebalances, one that leaves is drained before anybody else gets it; a member that gave up is made anew,
// as the same.
import { ErrorBoundary } from '../../contract/error-boundary.ts';
import { describeError, type MillraceError } from '../../contract/errors.ts';
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
import { explainRead } from './explain-read.ts';
import { createGroupConsumer, type GroupConsumer } from './group-consumer.ts';
import type { CreateMembership, MemberIdentity } from '../group/membership.ts';
import { batchUnreadable, notStored, PartitionTroubles, unreadableBatch } from './partition-troubles.ts';
import { sleep } from '../connection/sleep.ts';
import { failing, isPassing, quietMs } from './source-failure.ts';
import { createSourceHealth, type Departure } from './source-health.ts';
import { TopicMemory } from '../topics/topic-memory.ts';
import type { Login } from '../connection/cluster-login.ts';
import { topicsForbidden } from '../connection/security/security-errors.ts';
import type { Fetcher, UnreadablePlace } from '../fetch/fetcher.ts';
import { createTopicWatch, type TopicFollower, type TopicWatch } from '../topics/topic-watch.ts';
import { scanTopics, topicsMissing } from '../topics/find-topics.ts';
import { Transactions } from '../produce/transactions.ts';

export interface RecordSourceOptions {
  readonly login: Login;
  readonly fetcher: Fetcher;
  /** By the protocol of the group. */
  readonly createMembership: CreateMembership;
  /** Resolves when there is any use in connecting. Never rejects. */
  readonly ready?: (() => Promise<void>) | undefined;
}

interface SharedParts extends RecordSourceOptions {
  readonly watch: TopicWatch;
}

/** Pauses before the client is built anew, and how long one lives whose failure is the first of its kind, in ms. */
const rebuildMs = { first: 250, longest: 5_000, calm: 20_000 };
/** A client whose brokers are away is not waited for longer than this, in ms; the group's session timeout ends it there. */
const leaveMs = 5_000;

export function createRecordSources(options: RecordSourceOptions): CreateRecordSource {
  const shared = { ...options, watch: createTopicWatch(options.login) };
  return (subscription, listener) => new GroupSource(shared, subscription, listener);
}

class GroupSource implements RecordSource {
  readonly #options: SharedParts;
  readonly #subscription: Subscription;
  readonly #listener: RecordListener;
  readonly #abort = new AbortController();
  /** Around what others call (the client, the watch) and what nobody awaits. */
  readonly #boundary: ErrorBoundary;
  readonly #memory = new TopicMemory();
  /** Where replies are transactional. */
  readonly #transactions: Transactions | undefined;
  readonly #assignment: Assignment;
  /** At the last look. */
  #found: readonly string[] = [];
  #missing: readonly string[] = [];
  /** Of those that were found, those that are not there any more. */
  #gone: readonly string[] = [];
  /** Our user may not know of them. */
  #forbidden: readonly string[] = [];
  readonly #troubles = new PartitionTroubles();
  /** Where replies are transactional. */
  readonly #unstored = new PartitionTroubles();
  /** Of the last member, as the next. */
  #identity: MemberIdentity | undefined;
  #leaseEndMs = Number.NEGATIVE_INFINITY;
  /** While there is a client. */
  #watching: TopicFollower | undefined;
  #done: Promise<void> | undefined;

  constructor(options: SharedParts, subscription: Subscription, listener: RecordListener) {
    this.#options = options;
    this.#subscription = subscription;
    this.#listener = listener;
    this.#boundary = new ErrorBoundary((fault) => listener.failed(fault));
    const { connections, topology } = options.login;
    const { consumerGroup: groupId } = subscription.source;
    if (subscription.reply?.transactional === true)
      this.#transactions = new Transactions({
        connections,
        topology,
        groupId,
        leaseEndMs: () => this.leaseEndMs,
        identity: () => this.#assignment.member?.identity,
        onTrouble: (partition, error) => {
          if (error === undefined && this.#unstored.first === undefined) return;
          this.#unstored.set(partition, error === undefined ? undefined : notStored(partition, error));
          if (this.#assignment.member !== undefined) this.#tell();
        },
      });
    this.#assignment = new Assignment({
      source: subscription.source,
      listener,
      boundary: this.#boundary,
      watch: options.watch,
      memory: this.#memory,
      transactions: this.#transactions,
      signal: this.#abort.signal,
      onChanged: () => this.#tell(),
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
    this.#done ??= this.#boundary.settled(this.#follow());
  }

  pause(partition: TopicPartition): void {
    this.#assignment.setPaused(partition, true);
  }

  unpause(partition: TopicPartition): void {
    this.#assignment.setPaused(partition, false);
  }

  pass(partition: TopicPartition, nextOffset: bigint): void {
    this.#assignment.pass(partition, nextOffset);
    this.#troubles.set(partition, undefined);
    this.#tell();
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
    const boundary = this.#boundary;
    // The watch is shared: what one source throws must not end the look of the others.
    const unfollow = this.#options.watch.follow({
      wantsAllNames: this.#subscription.source.topicPattern !== undefined,
      topics: () => boundary.run(() => this.#watching?.topics()) ?? [],
      seen: boundary.guard((snapshot) => this.#watching?.seen(snapshot)),
    });
    try {
      await Promise.race([this.#options.ready?.(), sleep(undefined, this.#abort.signal)]);
      await this.#run();
      // The last one that leaves may be the last for long.
      await this.#options.watch.keep(this.#subscription.source.consumerGroup).catch(() => undefined);
    } finally {
      unfollow();
    }
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
          this.#listener.state(failing(await explainRead(error, this.#found, this.#options.watch)));
        await sleep(delayMs, this.#abort.signal);
        delayMs = Math.min(delayMs * 2, rebuildMs.longest);
      }
    }
    try {
      this.#assignment.closeAll();
    } finally {
      this.#transactions?.closeAll();
    }
  }

  /** One life of a client: resolves when it is to be left (stop, other topics, a join without an end); rejects when it failed. */
  async #consume(): Promise<void> {
    const { source } = this.#subscription;
    this.#listener.state({ kind: 'starting', reason: 'looking up the topics' });
    const topics = await this.#scan();
    this.#listener.state({ kind: 'starting', reason: `joining the group ${source.consumerGroup}` });
    const departure = Promise.withResolvers<Departure>();
    const over = new AbortController();
    const member = this.#createMember();
    this.#watching = this.#createWatch(topics, member, departure.resolve);
    try {
      this.#assignment.begin(member);
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
    const { login, fetcher, createMembership } = this.#options;
    this.#troubles.clear();
    const member: GroupConsumer = createGroupConsumer({
      ...login,
      fetcher,
      createMembership,
      groupId: this.#subscription.source.consumerGroup,
      identity: this.#identity,
      owned: () => assignment.list(),
      onJoined: (joined) => {
        this.#troubles.clear();
        assignment.joined(joined, member);
      },
      room: (partition) => assignment.room(partition),
      onFetched: (found) => assignment.hand(found, member),
      onTrouble: (partition, error, unreadable) => {
        // Which topics are not there, the watch says.
        if (error?.code === 'MILLRACE_TOPIC_MISSING') return;
        if (assignment.member === member) this.#trouble(partition, error, unreadable);
      },
      onLeaseRenewed: () => this.#listener.resume(),
      onOutOfRange: (partition) => void this.#boundary.settled(assignment.findRange(partition, member)),
    });
    return member;
  }

  #trouble(
    partition: TopicPartition,
    error: MillraceError | undefined,
    place: UnreadablePlace | undefined,
  ): void {
    const batch = place && unreadableBatch(partition, place);
    this.#troubles.set(
      partition,
      batch === undefined ? error : batchUnreadable(this.#subscription.key, batch),
    );
    // It may pass the batch at once, and tell of that.
    this.#assignment.tellUnreadable(partition, batch);
    this.#tell();
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
      joined: () => assignment.last?.partitions ?? [],
      isOpening: () => assignment.isOpening,
      isOrphan: (partition) => assignment.isOrphan(partition),
      leave,
      onGone: (topics) => {
        this.#gone = topics;
        assignment.gone(topics);
        this.#tell();
      },
      onRecreated: (topics) => assignment.startOver(topics, member),
    });
  }

  /** The topics to read. One that is not there, or that our user may not know of, does not keep the others. */
  async #scan(): Promise<readonly string[]> {
    const { source } = this.#subscription;
    const { found, missing, forbidden } = await scanTopics(this.#options.watch, source);
    this.#found = found;
    // What may not be known of may be there all the while.
    this.#memory.scanned([...found, ...forbidden]);
    this.#assignment.closeAll(({ topic }) => !found.includes(topic));
    if (found.length === 0) throw topicsMissing(source, missing);
    this.#missing = missing;
    this.#gone = [];
    this.#forbidden = forbidden;
    return found;
  }

  async #depart(member: GroupConsumer): Promise<void> {
    if (this.#isStopping()) {
      await this.#assignment.release(this.#assignment.list());
      this.#assignment.closeAll();
    }
    this.#leaseEndMs = Math.max(this.#leaseEndMs, member.leaseEndMs);
    this.#identity = member.identity;
    this.#assignment.member = undefined;
    const gone = new AbortController();
    const stopped = member.stop({ leave: this.#isStopping() }).catch(() => undefined);
    await Promise.race([stopped, sleep(leaveMs, gone.signal)]);
    gone.abort();
  }

  /** How it stands, as long as the client is at work. */
  #tell(): void {
    const trouble = this.#unread();
    if (trouble !== undefined) this.#listener.state(failing(trouble));
    else if (!this.#assignment.isOpening) {
      const partitions = this.#assignment.list().filter(({ leaving }) => !leaving);
      this.#listener.state({ kind: 'consuming', partitions });
    }
  }

  /** Why something of what this trigger reads is not read, or stored, while the rest is. */
  #unread(): MillraceError | undefined {
    if (this.#forbidden.length > 0) return topicsForbidden('describe', this.#forbidden);
    const missing = [...this.#missing, ...this.#gone];
    if (missing.length > 0) return topicsMissing(this.#subscription.source, missing);
    return this.#assignment.trouble ?? this.#troubles.first ?? this.#unstored.first;
  }
}
