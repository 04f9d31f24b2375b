// A member of a consumer group, on kafkajs, as a RecordSource: fetched batches are handed over at once and never waited for;
// a partition that stays goes on through rebalances, one that leaves is drained before anybody else gets it; a client that
// gave up is built anew, as the same member.
import type { Admin, Batch, Kafka } from 'kafkajs';
import type {
  CreateRecordSource,
  OutgoingRecord,
  PartitionProgress,
  RecordListener,
  RecordSource,
  TransactionOutcome,
} from '../contract/ports.ts';
import { encodeMark } from '../contract/progress-mark.ts';
import { partitionName, type TopicPartition } from '../contract/record.ts';
import type { Subscription } from '../contract/subscription.ts';
import { fetchFrom, setFetching, type Assigned } from './assigned.ts';
import { createGroupConsumer, type GroupConsumer, type JoinedGroup } from './group-consumer.ts';
import { pause } from './pause.ts';
import { SourceCommits } from './source-commits.ts';
import { failing, isPassing, quietMs } from './source-failure.ts';
import { progressText, readStartOffsets, type StartOffset } from './start-offsets.ts';
import { toRecord } from './to-record.ts';
import { whenTopicsChange } from './topic-changes.ts';
import { resolveTopics } from './topics.ts';
import { Transactions } from './transactions.ts';
import { Turns } from './turns.ts';

export interface RecordSourceOptions {
  readonly kafka: Kafka;
  /** Connected by whoever owns it. */
  readonly admin: Admin;
}

/** Pauses before the client is built anew, in ms. */
const rebuildMs = { first: 250, longest: 5_000 };
/** A client whose brokers are away is not waited for longer than this, in ms; the group's session timeout ends it there. */
const leaveMs = 5_000;
export function createRecordSources(options: RecordSourceOptions): CreateRecordSource {
  const turns = new Turns();
  return (subscription, listener) => new GroupSource(options, subscription, listener, turns);
}

class GroupSource implements RecordSource {
  readonly #options: RecordSourceOptions;
  readonly #subscription: Subscription;
  readonly #listener: RecordListener;
  readonly #turns: Turns;
  readonly #assigned = new Map<string, Assigned>();
  readonly #abort = new AbortController();
  /** Topics of which this source has had a partition. */
  readonly #begun = new Set<string>();
  /** Where replies are transactional. */
  readonly #transactions: Transactions | undefined;
  readonly #commits: SourceCommits;
  #member: GroupConsumer | undefined;
  #last: JoinedGroup | undefined;
  /** False after an absence from the group, until it is known who has worked meanwhile: nothing is started, or committed. */
  #isSure = true;
  /** Of the last client. */
  #leaseEndMs = Number.NEGATIVE_INFINITY;
  #done: Promise<void> | undefined;

  constructor(
    options: RecordSourceOptions,
    subscription: Subscription,
    listener: RecordListener,
    turns: Turns,
  ) {
    this.#options = options;
    this.#subscription = subscription;
    this.#listener = listener;
    this.#turns = turns;
    const { consumerGroup: groupId } = subscription.source;
    if (subscription.reply?.transactional === true)
      this.#transactions = new Transactions({ ...options, groupId, leaseEndMs: () => this.leaseEndMs });
    this.#commits = new SourceCommits({
      assigned: this.#assigned,
      member: () => this.#committing(),
      transactions: this.#transactions,
      onForeign: (assigned) => {
        this.#close(assigned);
        if (this.#last && this.#member) void this.#openAll(this.#last, this.#member);
      },
    });
  }

  get leaseEndMs(): number {
    if (!this.#isSure) return Number.NEGATIVE_INFINITY;
    return Math.max(this.#leaseEndMs, this.#member?.leaseEndMs ?? Number.NEGATIVE_INFINITY);
  }

  get markBytes(): number {
    return this.#commits.markBytes;
  }

  start(): void {
    this.#done ??= this.#run();
  }

  pause(partition: TopicPartition): void {
    this.#setPaused(partition, true);
  }

  unpause(partition: TopicPartition): void {
    this.#setPaused(partition, false);
  }

  commit(progress: readonly PartitionProgress[]): Promise<void> {
    return this.#commits.commit(progress);
  }

  commitWith(progress: PartitionProgress, records: readonly OutgoingRecord[]): Promise<TransactionOutcome> {
    return this.#commits.commitWith(progress, records);
  }

  /** As far as the group takes commits from it. */
  #committing(): GroupConsumer {
    if (this.#member === undefined) throw new Error('not a member of the group at present');
    if (!this.#isSure) throw new Error('whether others have committed meanwhile is not known yet');
    return this.#member;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  #isStopping(): boolean {
    return this.#abort.signal.aborted;
  }

  async #run(): Promise<void> {
    let pauseMs = rebuildMs.first;
    while (!this.#isStopping()) {
      try {
        await this.#consume(() => (pauseMs = rebuildMs.first));
      } catch (error) {
        if (this.#isStopping()) break;
        if (pauseMs >= quietMs || !isPassing(error)) this.#listener.state(failing(error));
        await pause(pauseMs, this.#abort.signal);
        pauseMs = Math.min(pauseMs * 2, rebuildMs.longest);
      }
    }
    for (const assigned of this.#assigned.values()) this.#listener.close(assigned);
    this.#assigned.clear();
    await this.#transactions?.closeAll();
  }

  /** One life of a client: resolves when it is to be left (stop, other topics); rejects when it failed. */
  async #consume(onJoined: () => void): Promise<void> {
    const { kafka, admin } = this.#options;
    const { source } = this.#subscription;
    this.#listener.state({ kind: 'starting', reason: 'looking up the topics' });
    const topics = await resolveTopics(admin, source);
    this.#listener.state({ kind: 'starting', reason: `joining the group ${source.consumerGroup}` });
    const left = new AbortController();
    const member = createGroupConsumer({
      kafka,
      groupId: source.consumerGroup,
      membership: this.#last,
      owned: () => [...this.#assigned.values()],
      onJoined: (joined) => {
        onJoined();
        this.#joined(joined, member);
      },
      turns: this.#turns,
      onBatch: (batch) => this.#hand(batch, member),
      onMarkersOnly: (partition, nextOffset) => this.#skip(partition, nextOffset, member),
      onLeaseRenewed: () => this.#listener.resume(),
      onOutOfRange: (partition) => void this.#findRange(partition, member),
    });
    try {
      this.#member = member;
      await member.start(topics);
      await Promise.race([
        member.crashed,
        whenTopicsChange(admin, source, topics, AbortSignal.any([left.signal, this.#abort.signal])),
      ]);
    } finally {
      left.abort();
      if (this.#isStopping()) await this.#release([...this.#assigned.values()]);
      this.#leaseEndMs = member.leaseEndMs;
      this.#member = undefined;
      const gone = new AbortController();
      const stopped = member.stop({ leave: this.#isStopping() }).catch(() => undefined);
      await Promise.race([stopped, pause(leaveMs, gone.signal)]);
      gone.abort();
    }
  }

  /** In the instant of the join, before the first fetch. What stays goes on; what is new waits until its offset is known. */
  #joined(joined: JoinedGroup, member: GroupConsumer): void {
    const { partitions, claimed, isContinuous } = joined;
    this.#last = joined;
    setFetching(member, partitions, false);
    const names = new Set(partitions.map(partitionName));
    // After an absence others may have had it, and may have it: what we would still commit is stale.
    if (!isContinuous) this.#isSure = false;
    for (const assigned of isContinuous ? [] : this.#assigned.values())
      // Where replies are transactional, whoever had it meanwhile may have stored what we still would.
      if (!names.has(assigned.name) || this.#transactions !== undefined) this.#close(assigned);
    if (claimed.some((one) => !names.has(partitionName(one)))) void this.#letGo(names, member);
    void this.#openAll(joined, member);
  }

  /** What is no longer ours ends in order, and is let go of: the group waits for it, and nothing else does. */
  async #letGo(names: ReadonlySet<string>, member: GroupConsumer): Promise<void> {
    const leaving = [...this.#assigned.values()].filter((one) => !one.leaving && !names.has(one.name));
    await this.#release(leaving);
    for (const assigned of leaving) if (this.#assigned.get(assigned.name) === assigned) this.#close(assigned);
    member.rejoin();
  }

  async #release(leaving: readonly Assigned[]): Promise<void> {
    for (const assigned of leaving) assigned.leaving = true;
    await this.#listener.release(leaving);
  }

  async #openAll(joined: JoinedGroup, member: GroupConsumer): Promise<void> {
    const isOver = (): boolean => joined !== this.#last || this.#isStopping();
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, rebuildMs.longest)) {
      try {
        // They may go on being committed while the offsets are read.
        const before = new Map([...this.#assigned].map(([name, { ours }]) => [name, new Set(ours)]));
        const offsets = await this.#establish(joined, member);
        if (!isOver()) this.#open(offsets, before, member);
        return;
      } catch (error) {
        if (isOver()) return;
        if (pauseMs >= quietMs || !isPassing(error)) this.#listener.state(failing(error));
        await pause(pauseMs, this.#abort.signal);
        if (isOver()) return;
      }
    }
  }

  /** Reads where each partition stands, and commits the initial offset of those that the group has none for. */
  async #establish({ partitions }: JoinedGroup, member: GroupConsumer): Promise<StartOffset[]> {
    const { consumerGroup: groupId, initialOffset: initial } = this.#subscription.source;
    if (partitions.length === 0) return [];
    // First: what the last owner has under way is ended by it, and then seen.
    await this.#transactions?.open(partitions.filter((one) => !this.#assigned.has(partitionName(one))));
    const isLater = (topic: string): boolean => this.#begun.has(topic);
    const query = { admin: this.#options.admin, groupId, partitions, initial, isLater };
    const offsets = await readStartOffsets(query);
    const initialOnes = offsets.filter(({ found }) => found === undefined);
    if (initialOnes.length > 0) await member.commit(initialOnes);
    return offsets;
  }

  /** `before`: what was ours before the offsets were read. */
  #open(
    offsets: readonly StartOffset[],
    before: ReadonlyMap<string, ReadonlySet<string>>,
    member: GroupConsumer,
  ): void {
    for (const start of offsets) {
      const name = partitionName(start);
      this.#begun.add(start.topic);
      let assigned = this.#assigned.get(name);
      if (assigned?.leaving === true) continue;
      const found = start.found ?? '';
      if (assigned !== undefined && !assigned.ours.has(found) && before.get(name)?.has(found) !== true) {
        this.#close(assigned);
        assigned = undefined;
      }
      assigned ??= this.#openOne(start);
      fetchFrom(member, assigned);
    }
    const partitions = [...this.#assigned.values()].filter(({ leaving }) => !leaving);
    this.#isSure = true;
    this.#listener.state({ kind: 'consuming', partitions });
    this.#listener.resume();
  }

  #openOne(start: StartOffset): Assigned {
    const { topic, partition, offset } = start;
    const name = partitionName(start);
    const ours = new Set([start.found ?? progressText(start)]);
    const assigned = { topic, partition, name, position: offset, paused: false, ours, leaving: false };
    this.#assigned.set(name, assigned);
    this.#listener.open(assigned, start);
    return assigned;
  }

  #close(assigned: Assigned): void {
    this.#assigned.delete(assigned.name);
    this.#transactions?.close(assigned);
    this.#listener.close(assigned);
  }

  #hand(batch: Batch, member: GroupConsumer): void {
    const assigned = this.#current(batch, member);
    if (assigned === undefined) return;
    const records = batch.messages.map((message) => toRecord(batch.topic, batch.partition, message));
    assigned.position = BigInt(batch.lastOffset()) + 1n;
    this.#listener.records(assigned, records, assigned.position);
  }

  #skip(partition: TopicPartition, nextOffset: bigint, member: GroupConsumer): void {
    const assigned = this.#current(partition, member);
    if (assigned === undefined || nextOffset <= assigned.position) return;
    assigned.position = nextOffset;
    this.#listener.records(assigned, [], nextOffset);
  }

  /** The broker has nothing at the position: history was deleted, or the topic is another one by the same name. */
  async #findRange(partition: TopicPartition, member: GroupConsumer): Promise<void> {
    const assigned = this.#current(partition, member);
    if (assigned === undefined) return;
    setFetching(member, [assigned], false);
    const { topic } = partition;
    const isOver = (): boolean => this.#current(partition, member) !== assigned || this.#isStopping();
    for (let pauseMs = 50; !isOver(); pauseMs = Math.min(pauseMs * 2, rebuildMs.longest)) {
      const ends = await this.#options.admin.fetchTopicOffsets(topic).catch(() => []);
      const range = ends.find((one) => one.partition === partition.partition);
      if (isOver()) return;
      if (range !== undefined) {
        this.#moveTo(assigned, { low: BigInt(range.low), high: BigInt(range.high) }, member);
        return;
      }
      await pause(pauseMs, this.#abort.signal);
    }
  }

  #current(partition: TopicPartition, member: GroupConsumer): Assigned | undefined {
    if (member !== this.#member) return undefined;
    const assigned = this.#assigned.get(partitionName(partition));
    return assigned?.leaving === true ? undefined : assigned;
  }

  #moveTo(assigned: Assigned, { low, high }: { low: bigint; high: bigint }, member: GroupConsumer): void {
    if (assigned.position > high) {
      const { topic, partition } = assigned;
      this.#close(assigned);
      const metadata = encodeMark(low, { open: [], end: low, attempts: new Map(), partitions: undefined });
      const anew = this.#openOne({ topic, partition, offset: low, metadata, found: undefined });
      for (const text of assigned.ours) anew.ours.add(text);
    } else {
      this.#skip(assigned, low, member);
    }
    fetchFrom(member, this.#assigned.get(assigned.name) ?? assigned);
  }

  #setPaused(partition: TopicPartition, paused: boolean): void {
    const assigned = this.#assigned.get(partitionName(partition));
    if (assigned === undefined || assigned.paused === paused) return;
    assigned.paused = paused;
    if (this.#member !== undefined) setFetching(this.#member, [assigned], !paused);
  }
}
