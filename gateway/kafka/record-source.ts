// A member of a consumer group, on kafkajs, as a RecordSource: fetched batches are handed over at once and never waited for;
// a partition that stays goes on through rebalances, one that leaves is drained before anybody else gets it; a client that
// gave up is built anew, as the same member.
import type { Kafka } from 'kafkajs';
import { describeError, MillraceError } from '../contract/errors.ts';
import type {
  CreateRecordSource,
  PartitionProgress,
  RecordListener,
  RecordSource,
} from '../contract/ports.ts';
import { maxMarkBytes, minMarkBytes } from '../contract/progress-mark.ts';
import { partitionName, type TopicPartition } from '../contract/record.ts';
import type { Subscription } from '../contract/subscription.ts';
import { fetchFrom, type Assigned } from './assigned.ts';
import {
  createGroupConsumer,
  type FetchedBatch,
  type GroupConsumer,
  type JoinedGroup,
} from './group-consumer.ts';
import { pause } from './pause.ts';
import { findRange, type FoundRange } from './range.ts';
import { failing, isPassing, quietMs } from './source-failure.ts';
import { createSourceWatch, type Departure } from './source-watch.ts';
import { Stalls } from './stalls.ts';
import { progressText, readStartOffsets, type StartOffset } from './start-offsets.ts';
import { toRecord } from './to-record.ts';
import { TopicMemory } from './topic-memory.ts';
import { createTopicWatch, watchMs, type TopicFollower, type TopicWatch } from './topic-watch.ts';
import { scanTopics, topicsMissing } from './topics.ts';

export interface RecordSourceOptions {
  readonly kafka: Kafka;
}

interface SharedParts extends RecordSourceOptions {
  readonly watch: TopicWatch;
}

/** Pauses before the client is built anew, and how long one lives whose failure is the first of its kind, in ms. */
const rebuildMs = { first: 250, longest: 5_000, calm: 20_000 };
/** A client whose brokers are away is not waited for longer than this, in ms; the group's session timeout ends it there. */
const leaveMs = 5_000;
/** How long a position may stand still while records wait, in ms. */
const stallLimitMs = 15_000;

/** What is to be opened, and what was found out about it. */
interface Established {
  readonly starts: readonly StartOffset[];
  /** By topic. */
  readonly ids: ReadonlyMap<string, string | undefined>;
  /** Topics that were deleted and created again since this source read them. */
  readonly again: readonly string[];
}

export function createRecordSources(options: RecordSourceOptions): CreateRecordSource {
  const shared = { ...options, watch: createTopicWatch(options.kafka) };
  return (subscription, listener) => new GroupSource(shared, subscription, listener);
}

class GroupSource implements RecordSource {
  readonly #options: SharedParts;
  readonly #subscription: Subscription;
  readonly #listener: RecordListener;
  readonly #assigned = new Map<string, Assigned>();
  readonly #abort = new AbortController();
  readonly #memory = new TopicMemory();
  readonly #stalls = new Stalls(stallLimitMs, 3 * (watchMs.pause + watchMs.look));
  #member: GroupConsumer | undefined;
  #last: JoinedGroup | undefined;
  /** Partitions of the last join wait for their offsets. */
  #isOpening = true;
  #missing: readonly string[] = [];
  #stalled: readonly string[] = [];
  #markBytes = maxMarkBytes;
  /** Of the last client. */
  #leaseEndMs = Number.NEGATIVE_INFINITY;
  /** While there is a client. */
  #watching: TopicFollower | undefined;
  #done: Promise<void> | undefined;

  constructor(options: SharedParts, subscription: Subscription, listener: RecordListener) {
    this.#options = options;
    this.#subscription = subscription;
    this.#listener = listener;
  }

  get leaseEndMs(): number {
    return Math.max(this.#leaseEndMs, this.#member?.leaseEndMs ?? Number.NEGATIVE_INFINITY);
  }

  get markBytes(): number {
    return this.#markBytes;
  }

  start(): void {
    this.#done ??= this.#follow();
  }

  pause(partition: TopicPartition): void {
    this.#setPaused(partition, true);
  }

  unpause(partition: TopicPartition): void {
    this.#setPaused(partition, false);
  }

  async commit(progress: readonly PartitionProgress[]): Promise<void> {
    if (this.#member === undefined) throw new Error('not a member of the group at present');
    const due = progress.map((one) => ({
      text: progressText(one),
      assigned: this.#assigned.get(partitionName(one)),
    }));
    if (due.some(({ assigned }) => assigned?.sure === false))
      throw new Error('whether others have committed meanwhile is not known yet');
    for (const { text, assigned } of due) assigned?.ours.add(text);
    await this.#member.commit(progress).catch((error: unknown) => this.#adapt(error));
    for (const { text, assigned } of due) if (assigned !== undefined) assigned.ours = new Set([text]);
  }

  /** Brokers whose `offset.metadata.max.bytes` is lower than the default get shorter progress marks. */
  #adapt(error: unknown): never {
    const isTooLarge =
      error instanceof Error && 'type' in error && error.type === 'OFFSET_METADATA_TOO_LARGE';
    if (isTooLarge) this.#markBytes = Math.max(minMarkBytes, this.#markBytes / 2);
    throw error;
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
      seen: (sight) => this.#watching?.seen(sight),
    });
    await this.#run();
    unfollow();
  }

  async #run(): Promise<void> {
    let pauseMs = rebuildMs.first;
    while (!this.#isStopping()) {
      const startedMs = performance.now();
      try {
        await this.#consume();
      } catch (error) {
        if (this.#isStopping()) break;
        // One that fails again and again soon after it joined is not to keep its group from work.
        if (performance.now() - startedMs > rebuildMs.calm) pauseMs = rebuildMs.first;
        if (pauseMs >= quietMs || !isPassing(error)) this.#listener.state(failing(error));
        await pause(pauseMs, this.#abort.signal);
        pauseMs = Math.min(pauseMs * 2, rebuildMs.longest);
      }
    }
    this.#closeAll();
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
    this.#isOpening = true;
    this.#watching = this.#createWatch(topics, member, departure.resolve);
    try {
      this.#member = member;
      const failed = member.start(topics).then(() => member.crashed);
      failed.catch(() => undefined);
      const stopped = pause(undefined, AbortSignal.any([over.signal, this.#abort.signal]));
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
    const member: GroupConsumer = createGroupConsumer({
      kafka: this.#options.kafka,
      groupId: this.#subscription.source.consumerGroup,
      membership: this.#last,
      owned: () => [...this.#assigned.values()],
      onJoined: (joined) => this.#joined(joined, member),
      onBatch: (batch) => this.#hand(batch, member),
      onMarkersOnly: (partition, fetchedOffset, nextOffset) => {
        if (this.#current(partition, member)?.position === fetchedOffset)
          this.#skip(partition, nextOffset, member);
      },
      onLeaseRenewed: () => this.#listener.resume(),
      onOutOfRange: (partition) => void this.#findRange(partition, member),
    });
    return member;
  }

  #createWatch(
    subscribed: readonly string[],
    member: GroupConsumer,
    leave: (departure: Departure) => void,
  ): TopicFollower {
    return createSourceWatch({
      source: this.#subscription.source,
      member,
      subscribed,
      memory: this.#memory,
      stalls: this.#stalls,
      assigned: () => [...this.#assigned.values()],
      joined: () => this.#last?.partitions ?? [],
      isOpening: () => this.#isOpening,
      leave,
      onRecreated: (topics) => this.#startOver(topics, member),
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
    this.#memory.scanned(found);
    this.#closeAll(({ topic }) => !found.includes(topic));
    if (found.length === 0 || !missing.every((topic) => this.#memory.hasBegun(topic)))
      throw topicsMissing(source, missing);
    this.#missing = missing;
    return found;
  }

  async #depart(member: GroupConsumer): Promise<void> {
    if (this.#isStopping()) {
      await this.#release([...this.#assigned.values()]);
      this.#closeAll();
    }
    this.#leaseEndMs = this.leaseEndMs;
    this.#member = undefined;
    const gone = new AbortController();
    const stopped = member.stop({ leave: this.#isStopping() }).catch(() => undefined);
    await Promise.race([stopped, pause(leaveMs, gone.signal)]);
    gone.abort();
  }

  /** In the instant of the join, before the first fetch. What stays goes on; what is new waits until its offset is known. */
  #joined(joined: JoinedGroup, member: GroupConsumer): void {
    if (member !== this.#member) return;
    const { partitions, claimed, isContinuous } = joined;
    this.#last = joined;
    this.#isOpening = true;
    member.pause(partitions);
    const names = new Set(partitions.map(partitionName));
    // After an absence others may have had it, and may have it: what we would still commit is stale.
    for (const assigned of isContinuous ? [] : this.#assigned.values()) {
      assigned.sure = false;
      if (!names.has(assigned.name)) this.#close(assigned);
    }
    if (claimed.some((one) => !names.has(partitionName(one)))) void this.#letGo(names);
    if (partitions.some((one) => !this.#assigned.has(partitionName(one))))
      this.#listener.state({ kind: 'starting', reason: 'looking up where the partitions start' });
    void this.#openAll(joined, member, partitions);
  }

  /** What is no longer ours ends in order, and is let go of: the group waits for it, and nothing else does. */
  async #letGo(names: ReadonlySet<string>): Promise<void> {
    const leaving = [...this.#assigned.values()].filter((one) => !one.leaving && !names.has(one.name));
    // Whoever drains the others joins again when they are done.
    if (leaving.length === 0) return;
    await this.#release(leaving);
    for (const assigned of leaving) if (this.#assigned.get(assigned.name) === assigned) this.#close(assigned);
    // The client may be another one by now.
    this.#member?.rejoin();
  }

  async #release(leaving: readonly Assigned[]): Promise<void> {
    for (const assigned of leaving) assigned.leaving = true;
    await this.#listener.release(leaving);
  }

  async #openAll(
    joined: JoinedGroup,
    member: GroupConsumer,
    partitions: readonly TopicPartition[],
  ): Promise<void> {
    // While it joins again, the group may give to others what this member did not claim, for it was not open yet.
    const isOver = (): boolean =>
      joined !== this.#last || member.joiningSinceMs !== undefined || this.#isStopping();
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, rebuildMs.longest)) {
      try {
        // They may go on being committed while the offsets are read.
        const before = new Map([...this.#assigned].map(([name, { ours }]) => [name, new Set(ours)]));
        const established = await this.#establish(partitions, member);
        if (!isOver()) this.#open(established, before, member);
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
  async #establish(partitions: readonly TopicPartition[], member: GroupConsumer): Promise<Established> {
    const { consumerGroup: groupId, initialOffset: initial } = this.#subscription.source;
    if (partitions.length === 0) return { starts: [], ids: new Map(), again: [] };
    // The ids before the offsets: of a topic that is created again in between, the next look tells.
    const ids = await this.#readIds([...new Set(partitions.map(({ topic }) => topic))]);
    const again = [...ids].filter(([topic, id]) => this.#memory.isAnother(topic, id)).map(([topic]) => topic);
    for (const topic of again) this.#memory.noteAgain(topic);
    const starts = await readStartOffsets({
      watch: this.#options.watch,
      groupId,
      partitions,
      initial,
      isLater: (topic) => this.#memory.isLater(topic),
      isAgain: (topic) => this.#memory.isAgain(topic),
      isVoid: (one) => again.includes(one.topic) && this.#assigned.has(partitionName(one)),
    });
    const initialOnes = starts.filter(({ found }) => found === undefined);
    if (initialOnes.length > 0) await member.commit(initialOnes);
    return { starts, ids, again };
  }

  async #readIds(topics: readonly string[]): Promise<Map<string, string | undefined>> {
    const sight = await this.#options.watch.look(topics);
    const ids = new Map<string, string | undefined>();
    for (const topic of topics) {
      const seen = sight.topic(topic);
      if (seen.kind === 'missing') throw topicsMissing(this.#subscription.source, [topic]);
      ids.set(topic, seen.kind === 'there' ? seen.id : undefined);
    }
    return ids;
  }

  /** `before`: what was ours before the offsets were read. */
  #open(
    { starts, ids, again }: Established,
    before: ReadonlyMap<string, ReadonlySet<string>>,
    member: GroupConsumer,
  ): void {
    for (const topic of again) {
      this.#closeAll((one) => one.topic === topic);
      const told = { before: this.#memory.idOf(topic) ?? '', now: ids.get(topic) ?? '' };
      this.#listener.noticed({ kind: 'recreated', topic, ...told });
    }
    for (const [topic, id] of ids) this.#memory.begin(topic, id);
    for (const start of starts) {
      const name = partitionName(start);
      let assigned = this.#assigned.get(name);
      if (assigned?.leaving === true) continue;
      const found = start.found ?? '';
      if (assigned !== undefined && !assigned.ours.has(found) && before.get(name)?.has(found) !== true) {
        this.#close(assigned);
        assigned = undefined;
      }
      assigned ??= this.#openOne(start);
      assigned.sure = true;
      fetchFrom(member, assigned);
    }
    this.#isOpening = false;
    this.#tell();
    this.#listener.resume();
  }

  #openOne(start: StartOffset): Assigned {
    const { topic, partition, offset } = start;
    const name = partitionName(start);
    const ours = new Set([start.found ?? progressText(start)]);
    const state = { position: offset, lastTimestampMs: undefined, paused: false, ours };
    const assigned = { topic, partition, name, ...state, leaving: false, sure: true };
    this.#assigned.set(name, assigned);
    this.#listener.open(assigned, start);
    return assigned;
  }

  /** How it stands, as long as the client is at work. */
  #tell(): void {
    if (this.#isOpening) return;
    const partitions = [...this.#assigned.values()].filter(({ leaving }) => !leaving);
    if (this.#missing.length > 0)
      this.#listener.state(failing(topicsMissing(this.#subscription.source, this.#missing)));
    else if (this.#stalled.length > 0) this.#listener.state(failing(stalledError(this.#stalled)));
    else this.#listener.state({ kind: 'consuming', partitions });
  }

  /** What is under way of these topics belongs to others by the same name. */
  #startOver(topics: readonly string[], member: GroupConsumer): void {
    const joined = this.#last;
    if (joined === undefined || member.joiningSinceMs !== undefined) return;
    const isTheirs = ({ topic }: TopicPartition): boolean => topics.includes(topic);
    for (const assigned of this.#assigned.values()) if (isTheirs(assigned)) assigned.sure = false;
    const partitions = joined.partitions.filter(isTheirs);
    this.#isOpening = true;
    member.pause(partitions);
    void this.#openAll(joined, member, partitions);
  }

  #closeAll(which: (assigned: Assigned) => boolean = () => true): void {
    for (const assigned of this.#assigned.values()) if (which(assigned)) this.#close(assigned);
  }

  #close(assigned: Assigned): void {
    this.#assigned.delete(assigned.name);
    this.#listener.close(assigned);
  }

  /** False for what was fetched before the position was set: it lay in the client's queue while the partition changed hands. */
  #hand(batch: FetchedBatch, member: GroupConsumer): boolean {
    const assigned = this.#current(batch, member);
    if (assigned === undefined) return false;
    if (BigInt(batch.fetchedOffset) !== assigned.position) {
      member.seek(assigned, assigned.position);
      return false;
    }
    const records = batch.messages.map((message) => toRecord(batch.topic, batch.partition, message));
    assigned.position = BigInt(batch.lastOffset()) + 1n;
    assigned.lastTimestampMs = records.at(-1)?.timestampMs ?? assigned.lastTimestampMs;
    this.#listener.records(assigned, records, assigned.position);
    return true;
  }

  #skip(partition: TopicPartition, nextOffset: bigint, member: GroupConsumer): void {
    const assigned = this.#current(partition, member);
    if (assigned === undefined || nextOffset <= assigned.position) return;
    assigned.position = nextOffset;
    this.#listener.records(assigned, [], nextOffset);
  }

  /** The broker has nothing at the position: history was deleted, the end was lost, or the topic is another one by the same name. */
  async #findRange(partition: TopicPartition, member: GroupConsumer): Promise<void> {
    const assigned = this.#current(partition, member);
    if (assigned === undefined) return;
    member.pause([assigned]);
    const isOver = (): boolean => this.#current(partition, member) !== assigned || this.#isStopping();
    const { watch } = this.#options;
    const group = this.#subscription.source.consumerGroup;
    for (let pauseMs = 50; !isOver(); pauseMs = Math.min(pauseMs * 2, rebuildMs.longest)) {
      const id = this.#memory.idOf(assigned.topic);
      const found = await findRange({ watch, group, assigned, id }).catch(() => undefined);
      if (isOver()) return;
      if (found !== undefined) {
        this.#moveTo(assigned, found, member);
        return;
      }
      await pause(pauseMs, this.#abort.signal);
    }
  }

  #moveTo(assigned: Assigned, found: FoundRange, member: GroupConsumer): void {
    const { topic, partition, position } = assigned;
    const { offset } = found;
    const at = { topic, partition, offset };
    switch (found.kind) {
      case 'restart':
        this.#startOver([topic], member);
        return;
      case 'skip':
        this.#listener.noticed({ kind: 'skipped', at, count: offset - position });
        this.#skip(assigned, offset, member);
        break;
      case 'rewind': {
        this.#listener.noticed({ kind: 'truncated', at, position });
        this.#close(assigned);
        const reopened = this.#openOne({ ...at, metadata: found.metadata, found: undefined });
        // Until it succeeds, the group has an offset that is not there: whoever starts there comes here.
        this.commit([{ ...at, metadata: found.metadata }]).catch(() => undefined);
        fetchFrom(member, reopened);
        return;
      }
      case 'stay':
        break;
    }
    fetchFrom(member, assigned);
  }

  #current(partition: TopicPartition, member: GroupConsumer): Assigned | undefined {
    if (member !== this.#member) return undefined;
    const assigned = this.#assigned.get(partitionName(partition));
    return assigned?.leaving === true ? undefined : assigned;
  }

  #setPaused(partition: TopicPartition, paused: boolean): void {
    const assigned = this.#assigned.get(partitionName(partition));
    if (assigned === undefined || assigned.paused === paused) return;
    assigned.paused = paused;
    if (paused) this.#member?.pause([assigned]);
    // While partitions are opened, all wait.
    else if (!this.#isOpening && !assigned.leaving) this.#member?.resume([assigned]);
  }
}

function stalledError(names: readonly string[]): MillraceError {
  return new MillraceError(
    'MILLRACE_KAFKA_STALLED',
    `records wait, and are not fetched: ${names.join(', ')}`,
  );
}
