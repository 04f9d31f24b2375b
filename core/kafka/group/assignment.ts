// The partitions that a member of a group has, from their opening to their close: where each stands, what of it is committed,
// what it means when it goes, comes back, or is another one by the same name. The client may change meanwhile.
import type { OutgoingRecord } from '../../contract/record-sink.ts';
import type { PartitionProgress, RecordListener, TransactionOutcome } from '../../contract/record-source.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import type { SourceSettings } from '../../contract/subscription.ts';
import { fetchFrom, type Assigned } from './assigned-partition.ts';
import { explainRead } from './member-refusal.ts';
import type { FetchedBatch, GroupConsumer } from './group-consumer.ts';
import type { JoinedGroup } from './group-member.ts';
import { sleep } from './sleep.ts';
import { findRange, type FoundRange } from '../fetch/find-range.ts';
import { SourceCommits } from './source-commits.ts';
import { failing, isPassing, quietMs } from './source-failure.ts';
import { progressText, readStartOffsets, type StartOffset } from '../offsets/start-offsets.ts';
import { toRecord } from '../fetch/to-record.ts';
import type { TopicMemory } from '../fetch/topic-memory.ts';
import type { TopicWatch } from '../fetch/topic-watch.ts';
import { topicsMissing } from '../fetch/find-topics.ts';
import type { Transactions } from '../produce/transactions.ts';

export interface AssignmentOptions {
  readonly source: SourceSettings;
  readonly listener: RecordListener;
  readonly watch: TopicWatch;
  readonly memory: TopicMemory;
  /** Where replies are transactional. */
  readonly transactions: Transactions | undefined;
  /** Aborted at a stop. */
  readonly signal: AbortSignal;
  /** All that the last join has given is open, or goes on. */
  readonly onOpened: () => void;
}

/** Pauses between two tries, in ms. */
const retryMs = { first: 50, longest: 5_000 };

/** What is to be opened, and what was found out about it. */
interface Established {
  readonly starts: readonly StartOffset[];
  /** By topic. */
  readonly ids: ReadonlyMap<string, string | undefined>;
  /** Topics that were deleted and created again since this source read them. */
  readonly again: readonly string[];
}

export class Assignment {
  /** The client at work; undefined between two of them. */
  member: GroupConsumer | undefined;
  /** Partitions of the last join wait for their offsets. */
  isOpening = true;
  /** False after an absence from the group, until it is known who has worked meanwhile: nothing is started, or committed. */
  isSure = true;
  /** Of the last join that came to its end. */
  last: JoinedGroup | undefined;
  readonly #options: AssignmentOptions;
  readonly #assigned = new Map<string, Assigned>();
  readonly #commits: SourceCommits;

  constructor(options: AssignmentOptions) {
    this.#options = options;
    this.#commits = new SourceCommits({
      assigned: this.#assigned,
      member: () => this.#committing(),
      isComparing: () => this.isOpening,
      transactions: options.transactions,
      onForeign: (assigned) => this.#openAnew(assigned),
    });
  }

  get markBytes(): number {
    return this.#commits.markBytes;
  }

  list(): Assigned[] {
    return [...this.#assigned.values()];
  }

  commit(progress: readonly PartitionProgress[]): Promise<void> {
    return this.#commits.commit(progress);
  }

  commitWith(progress: PartitionProgress, records: readonly OutgoingRecord[]): Promise<TransactionOutcome> {
    return this.#commits.commitWith(progress, records);
  }

  /** As far as the group takes commits from it. */
  #committing(): GroupConsumer {
    if (this.member === undefined) throw new Error('not a member of the group at present');
    if (!this.isSure) throw new Error('whether others have committed meanwhile is not known yet');
    return this.member;
  }

  /** In the instant of the join, before the first fetch. What stays goes on; what is new waits until its offset is known. */
  joined(joined: JoinedGroup, member: GroupConsumer): void {
    if (member !== this.member) return;
    const { partitions, claimed, isContinuous } = joined;
    this.last = joined;
    this.isOpening = true;
    member.pause(partitions);
    const names = new Set(partitions.map(partitionName));
    // After an absence others may have had it, and may have it: what we would still commit is stale.
    if (!isContinuous) this.isSure = false;
    for (const assigned of isContinuous ? [] : this.#assigned.values())
      // Where replies are transactional, whoever had it meanwhile may have stored what we still would.
      if (!names.has(assigned.name) || this.#options.transactions !== undefined) this.#close(assigned);
    if (claimed.some((one) => !names.has(partitionName(one)))) void this.#letGo(names);
    if (partitions.some((one) => !this.#assigned.has(partitionName(one))))
      this.#options.listener.state({ kind: 'starting', reason: 'looking up where the partitions start' });
    void this.#openAll(joined, member);
  }

  /** What is no longer ours ends in order, and is let go of: the group waits for it, and nothing else does. */
  async #letGo(names: ReadonlySet<string>): Promise<void> {
    const leaving = [...this.#assigned.values()].filter((one) => !one.leaving && !names.has(one.name));
    // Whoever drains the others joins again when they are done.
    if (leaving.length === 0) return;
    await this.release(leaving);
    for (const assigned of leaving) if (this.#assigned.get(assigned.name) === assigned) this.#close(assigned);
    // The client may be another one by now.
    this.member?.rejoin();
  }

  async release(leaving: readonly Assigned[]): Promise<void> {
    for (const assigned of leaving) assigned.leaving = true;
    await this.#options.listener.release(leaving);
  }

  async #openAll(joined: JoinedGroup, member: GroupConsumer): Promise<void> {
    // While it joins again, the group may give to others what this member did not claim, for it was not open yet.
    const isOver = (): boolean =>
      joined !== this.last || member.joiningSinceMs !== undefined || this.#isStopping();
    for (let delayMs = retryMs.first; ; delayMs = Math.min(delayMs * 2, retryMs.longest)) {
      try {
        // They may go on being committed while the offsets are read.
        const before = new Map([...this.#assigned].map(([name, { ours }]) => [name, new Set(ours)]));
        const established = await this.#establish(joined.partitions, member);
        if (!isOver()) this.#open(established, before, member);
        return;
      } catch (error) {
        const topics = [...new Set(joined.partitions.map(({ topic }) => topic))];
        const told = await explainRead(error, topics, this.#options.watch);
        const isTold = delayMs >= quietMs || !isPassing(error);
        if (isTold && !isOver()) this.#options.listener.state(failing(told));
        await sleep(delayMs, this.#options.signal);
        if (isOver()) return;
      }
    }
  }

  /** Reads where each partition stands, and commits the initial offset of those that the group has none for. */
  async #establish(partitions: readonly TopicPartition[], member: GroupConsumer): Promise<Established> {
    const { consumerGroup: groupId, initialOffset: initial } = this.#options.source;
    if (partitions.length === 0) return { starts: [], ids: new Map(), again: [] };
    // First: what the last owner has under way is ended by it, and then seen.
    const fresh = partitions.filter((one) => !this.#assigned.has(partitionName(one)));
    await this.#options.transactions?.open(fresh);
    // The ids before the offsets: of a topic that is created again in between, the next look tells.
    const ids = await this.#readIds([...new Set(partitions.map(({ topic }) => topic))]);
    const again = [...ids]
      .filter(([topic, id]) => this.#options.memory.isAnother(topic, id))
      .map(([topic]) => topic);
    for (const topic of again) this.#options.memory.noteAgain(topic);
    const starts = await readStartOffsets({
      watch: this.#options.watch,
      groupId,
      partitions,
      initial,
      isLater: (topic) => this.#options.memory.isLater(topic),
      isAgain: (topic) => this.#options.memory.isAgain(topic),
      isVoid: (one) => again.includes(one.topic) && this.#assigned.has(partitionName(one)),
    });
    const initialOnes = starts.filter(({ found }) => found === undefined);
    if (initialOnes.length > 0) await member.commit(initialOnes);
    return { starts, ids, again };
  }

  async #readIds(topics: readonly string[]): Promise<Map<string, string | undefined>> {
    const snapshot = await this.#options.watch.look(topics);
    const ids = new Map<string, string | undefined>();
    for (const topic of topics) {
      const seen = snapshot.topic(topic);
      if (seen.kind === 'missing') throw topicsMissing(this.#options.source, [topic]);
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
      this.closeAll((one) => one.topic === topic);
      const told = { before: this.#options.memory.idOf(topic) ?? '', now: ids.get(topic) ?? '' };
      this.#options.listener.noticed({ kind: 'recreated', topic, ...told });
    }
    for (const [topic, id] of ids) this.#options.memory.begin(topic, id);
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
      fetchFrom(member, assigned);
    }
    this.isOpening = false;
    this.isSure = true;
    this.#options.onOpened();
    this.#options.listener.resume();
  }

  #openOne(start: StartOffset): Assigned {
    const { topic, partition, offset } = start;
    const name = partitionName(start);
    const ours = new Set([start.found ?? progressText(start)]);
    const state = { position: offset, lastTimestampMs: undefined, paused: false, ours };
    const assigned = { topic, partition, name, ...state, leaving: false, isVoid: false };
    this.#assigned.set(name, assigned);
    this.#options.listener.open(assigned, start);
    return assigned;
  }

  /** What is under way of these topics belongs to others by the same name. */
  startOver(topics: readonly string[], member: GroupConsumer): void {
    const joined = this.last;
    if (joined === undefined || member.joiningSinceMs !== undefined) return;
    const theirs = this.list().filter(({ topic }) => topics.includes(topic));
    for (const assigned of theirs) assigned.isVoid = true;
    this.isOpening = true;
    member.pause(theirs);
    void this.#openAll(joined, member);
  }

  /** Somebody else has committed. */
  #openAnew(assigned: Assigned): void {
    this.#close(assigned);
    if (this.last === undefined || this.member === undefined) return;
    this.isOpening = true;
    this.member.pause([assigned]);
    void this.#openAll(this.last, this.member);
  }

  closeAll(which: (assigned: Assigned) => boolean = () => true): void {
    for (const assigned of this.#assigned.values()) if (which(assigned)) this.#close(assigned);
  }

  #close(assigned: Assigned): void {
    this.#assigned.delete(assigned.name);
    this.#options.transactions?.close(assigned);
    this.#options.listener.close(assigned);
  }

  /** False for what was fetched before the position was set: it lay in the client's queue while the partition changed hands. */
  hand(batch: FetchedBatch, member: GroupConsumer): boolean {
    const assigned = this.#current(batch, member);
    if (assigned === undefined) return false;
    if (BigInt(batch.fetchedOffset) !== assigned.position) {
      member.seek(assigned, assigned.position);
      return false;
    }
    const records = batch.messages.map((message) => toRecord(batch.topic, batch.partition, message));
    assigned.position = BigInt(batch.lastOffset()) + 1n;
    assigned.lastTimestampMs = records.at(-1)?.timestampMs ?? assigned.lastTimestampMs;
    this.#options.listener.records(assigned, records, assigned.position);
    return true;
  }

  /** A batch without records, fetched at `fetchedOffset`. */
  passMarkers(
    partition: TopicPartition,
    fetchedOffset: bigint,
    nextOffset: bigint,
    member: GroupConsumer,
  ): void {
    if (this.#current(partition, member)?.position === fetchedOffset)
      this.#skip(partition, nextOffset, member);
  }

  #skip(partition: TopicPartition, nextOffset: bigint, member: GroupConsumer): void {
    const assigned = this.#current(partition, member);
    if (assigned === undefined || nextOffset <= assigned.position) return;
    assigned.position = nextOffset;
    this.#options.listener.records(assigned, [], nextOffset);
  }

  /** The broker has nothing at the position: history was deleted, the end was lost, or the topic is another one by the same name. */
  async findRange(partition: TopicPartition, member: GroupConsumer): Promise<void> {
    const assigned = this.#current(partition, member);
    if (assigned === undefined) return;
    member.pause([assigned]);
    const isOver = (): boolean => this.#current(partition, member) !== assigned || this.#isStopping();
    const { watch } = this.#options;
    const group = this.#options.source.consumerGroup;
    for (let delayMs = retryMs.first; !isOver(); delayMs = Math.min(delayMs * 2, retryMs.longest)) {
      const id = this.#options.memory.idOf(assigned.topic);
      const found = await findRange({ watch, group, assigned, id }).catch(() => undefined);
      if (isOver()) return;
      if (found !== undefined) {
        this.#moveTo(assigned, found, member);
        return;
      }
      await sleep(delayMs, this.#options.signal);
    }
  }

  #moveTo(assigned: Assigned, found: FoundRange, member: GroupConsumer): void {
    const { topic, partition, position } = assigned;
    const { offset } = found;
    const at = { topic, partition, offset };
    switch (found.kind) {
      case 'restart':
        this.startOver([topic], member);
        return;
      case 'skip':
        this.#options.listener.noticed({ kind: 'skipped', at, count: offset - position });
        this.#skip(assigned, offset, member);
        break;
      case 'rewind': {
        this.#options.listener.noticed({ kind: 'truncated', at, position });
        this.#close(assigned);
        const reopened = this.#openOne({ ...at, metadata: found.metadata, found: undefined });
        for (const text of assigned.ours) reopened.ours.add(text);
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
    if (member !== this.member) return undefined;
    const assigned = this.#assigned.get(partitionName(partition));
    return assigned?.leaving === true ? undefined : assigned;
  }

  setPaused(partition: TopicPartition, paused: boolean): void {
    const assigned = this.#assigned.get(partitionName(partition));
    if (assigned === undefined || assigned.paused === paused) return;
    assigned.paused = paused;
    if (paused) this.member?.pause([assigned]);
    // While partitions are opened, all wait.
    else if (!this.isOpening && !assigned.leaving) this.member?.resume([assigned]);
  }

  #isStopping(): boolean {
    return this.#options.signal.aborted;
  }
}
