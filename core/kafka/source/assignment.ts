// The partitions that a member of a group has, from their opening to their close: where each stands, what of it is committed,
// what it means when it goes, comes back, or is another one by the same name. The client may change meanwhile.
import type { ErrorBoundary } from '../../contract/error-boundary.ts';
import type { MillraceError } from '../../contract/errors.ts';
import type { OutgoingRecord } from '../../contract/record-sink.ts';
import type { PartitionProgress, RecordListener, TransactionOutcome } from '../../contract/record-source.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import type { SourceSettings } from '../../contract/subscription.ts';
import { assignedFrom, fetchFrom, wasInRange, type Assigned } from './assigned-partition.ts';
import { Comparison } from './comparison.ts';
import type { GroupConsumer } from './group-consumer.ts';
import type { JoinedGroup } from '../group/membership.ts';
import { sleep } from '../connection/sleep.ts';
import { findRange, type FoundRange } from './find-range.ts';
import { Openings, type Given } from './openings.ts';
import { SourceCommits } from './source-commits.ts';
import type { StartOffset } from '../offsets/start-offsets.ts';
import type { FetchedRecords } from '../fetch/fetcher.ts';
import type { UnreadableBatch } from '../../contract/skip.ts';
import type { TopicMemory } from '../topics/topic-memory.ts';
import type { TopicWatch } from '../topics/topic-watch.ts';
import type { Transactions } from '../produce/transactions.ts';

export interface AssignmentOptions {
  readonly source: SourceSettings;
  readonly listener: RecordListener;
  /** What nobody awaits ends there, where it fails. */
  readonly boundary: ErrorBoundary;
  readonly watch: TopicWatch;
  readonly memory: TopicMemory;
  /** Where replies are transactional. */
  readonly transactions: Transactions | undefined;
  /** Aborted at a stop. */
  readonly signal: AbortSignal;
  /** Some of what the last join has given is open, or it is known why it is not. */
  readonly onChanged: () => void;
}

/** Pauses between two tries, in ms. */
const retryMs = { first: 50, longest: 5_000 };

export class Assignment {
  /** The client at work; undefined between two of them. */
  member: GroupConsumer | undefined;
  /** False after an absence from the group, until it is known who has worked meanwhile: nothing is started, or committed. */
  isSure = true;
  /** Of the last join that came to its end. */
  last: JoinedGroup | undefined;
  readonly #options: AssignmentOptions;
  readonly #assigned = new Map<string, Assigned>();
  readonly #commits: SourceCommits;
  readonly #openings: Openings;
  readonly #comparison: Comparison;
  /** Of the last join of which that is done: whose partitions go on. */
  #compared: JoinedGroup | undefined;

  constructor(options: AssignmentOptions) {
    this.#options = options;
    this.#commits = new SourceCommits({
      assigned: this.#assigned,
      member: () => this.#committing(),
      isComparing: () => this.#comparison.isUnderWay,
      transactions: options.transactions,
      onForeign: (assigned) => this.#openAnew(assigned),
    });
    this.#openings = new Openings({
      ...options,
      begin: (work) => this.#begin(work),
      onStanding: (standing, partitions) => this.#comparison.closeAnother(standing, partitions),
      onStart: (start, id, member) => {
        options.memory.begin(start.topic, id);
        fetchFrom(member, this.#openOne(start, member));
      },
    });
    this.#comparison = new Comparison({
      ...options,
      assigned: this.#assigned,
      isSure: () => this.isSure,
      close: (assigned) => this.#close(assigned),
      onAnother: (closed, names) => {
        for (const { name } of closed) this.#openings.noteVoid(name);
        this.#openAgain(closed.filter(({ name, leaving }) => !leaving && !names.has(name)));
      },
    });
  }

  /** Of what the group has given, some is not open, and it is not known yet why. */
  get isOpening(): boolean {
    return this.#isComparing() || this.#openings.isUnderWay;
  }

  /** Why some of what the group has given is not open. */
  get trouble(): MillraceError | undefined {
    return this.#openings.trouble;
  }

  /** Given, and neither open nor on its way to it. */
  isOrphan(partition: TopicPartition): boolean {
    return !this.#assigned.has(partitionName(partition)) && !this.#openings.isWaiting(partition);
  }

  #isComparing(): boolean {
    return this.member === undefined || this.#compared === undefined || this.#compared !== this.last;
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

  /** Until its first join, nothing is known of what it is given. */
  begin(member: GroupConsumer): void {
    this.member = member;
    this.#compared = undefined;
  }

  /** In the instant of the join, before the first fetch. What stays goes on; what is new waits until its offset is known. */
  joined(joined: JoinedGroup, member: GroupConsumer): void {
    if (member !== this.member) return;
    const { partitions, claimed, isContinuous } = joined;
    this.last = joined;
    member.pause(partitions);
    for (const assigned of this.#assigned.values()) assigned.isHeld = true;
    const names = new Set(partitions.map(partitionName));
    this.#openings.keep(partitions);
    // After an absence others may have had it, and may have it: what we would still commit is stale.
    if (!isContinuous) this.isSure = false;
    for (const assigned of isContinuous ? [] : this.#assigned.values())
      // Where replies are transactional, whoever had it meanwhile may have stored what we still would.
      if (!names.has(assigned.name) || this.#options.transactions !== undefined) this.#close(assigned);
    if (claimed.some((one) => !names.has(partitionName(one)))) this.#begin(this.#letGo(names));
    if (partitions.some((one) => !this.#assigned.has(partitionName(one))))
      this.#options.listener.state({ kind: 'starting', reason: 'looking up where the partitions start' });
    this.#begin(this.#goOn(this.#given(partitions, joined, member)));
  }

  /** While it joins again, the group may give to others what this member did not claim, for it was not open yet. */
  #given(partitions: readonly TopicPartition[], joined: JoinedGroup, member: GroupConsumer): Given {
    const isOver = (): boolean =>
      joined !== this.last || member.joiningSinceMs !== undefined || this.#isStopping();
    return { partitions, member, isOver };
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
    this.member?.pause(leaving);
    await this.#options.listener.release(leaving);
  }

  /** What stays goes on as soon as it is known that nobody else has committed; what is new is opened, each for itself. */
  async #goOn(given: Given): Promise<void> {
    const { partitions } = given;
    if (partitions.length === 0) {
      this.#toldApart(given);
      return;
    }
    const standing = await this.#comparison.compare(given);
    if (standing === undefined) return;
    const fresh = partitions.filter((one) => !this.#assigned.has(partitionName(one)));
    const opening = this.#openings.open(fresh, standing, given);
    this.#toldApart(given);
    await opening;
    if (fresh.length > 0 && !given.isOver()) this.#options.listener.resume();
  }

  /** The group takes commits again. */
  #toldApart(given: Given): void {
    if (given.isOver()) return;
    this.#compared = this.last;
    this.isSure = true;
    this.#options.onChanged();
    if (this.#assigned.size > 0) this.#options.listener.resume();
  }

  #openOne(start: StartOffset, member: GroupConsumer): Assigned {
    const assigned = assignedFrom(start, member);
    // In this order: what the listener does not know of is not ours.
    this.#options.listener.open(assigned, start);
    this.#assigned.set(assigned.name, assigned);
    if (start.notice !== undefined) this.#options.listener.noticed(start.notice);
    return assigned;
  }

  /** What is under way of these topics belongs to others by the same name. */
  startOver(topics: readonly string[], member: GroupConsumer): void {
    const joined = this.last;
    if (joined === undefined || member.joiningSinceMs !== undefined) return;
    const theirs = this.list().filter(({ topic }) => topics.includes(topic));
    for (const assigned of theirs) Object.assign(assigned, { isVoid: true, isHeld: true });
    member.pause(theirs);
    this.#begin(this.#goOn(this.#given(theirs, joined, member)));
  }

  /** These topics are not there any more: what is under way of them is nobody's. They are opened again when they are back. */
  gone(topics: readonly string[]): void {
    const theirs = this.list().filter(({ topic, leaving }) => topics.includes(topic) && !leaving);
    this.member?.pause(theirs);
    for (const assigned of theirs) {
      this.#openings.noteVoid(assigned.name);
      this.#close(assigned);
    }
    this.#openAgain(theirs);
  }

  /** Somebody else has committed. */
  #openAnew(assigned: Assigned): void {
    this.#close(assigned);
    this.#openAgain([assigned]);
  }

  #openAgain(partitions: readonly TopicPartition[]): void {
    if (partitions.length === 0 || this.last === undefined || this.member === undefined) return;
    this.#begin(this.#goOn(this.#given(partitions, this.last, this.member)));
  }

  closeAll(which: (assigned: Assigned) => boolean = () => true): void {
    for (const assigned of this.#assigned.values()) if (which(assigned)) this.#close(assigned);
  }

  #close(assigned: Assigned): void {
    this.#assigned.delete(assigned.name);
    this.#options.transactions?.close(assigned);
    this.#options.listener.close(assigned);
  }

  room(partition: TopicPartition): number {
    return this.#options.listener.room?.(partition) ?? Infinity;
  }

  /** False for what was fetched before the position was set. */
  hand(found: FetchedRecords, member: GroupConsumer): boolean {
    const assigned = this.#current(found, member);
    if (assigned === undefined) return false;
    const { records, nextOffset, leaderEpoch } = found;
    if (found.fetchedOffset !== assigned.position) {
      member.seek(assigned, assigned.position, assigned.leaderEpoch);
      return false;
    }
    const lastTimestampMs = records.at(-1)?.timestampMs ?? assigned.lastTimestampMs;
    // The position moves after the fact: what is not handed over is fetched again.
    this.#options.listener.records(assigned, records, nextOffset, leaderEpoch);
    assigned.position = nextOffset;
    assigned.lastTimestampMs = lastTimestampMs;
    assigned.leaderEpoch = leaderEpoch ?? assigned.leaderEpoch;
    return true;
  }

  tellUnreadable(partition: TopicPartition, batch: UnreadableBatch | undefined): void {
    const assigned = this.#assigned.get(partitionName(partition));
    if (assigned !== undefined) this.#options.listener.unreadable(assigned, batch);
  }

  /** The listener has settled all before `nextOffset`. While it is held, the fetch begins there when it goes on. */
  pass(partition: TopicPartition, nextOffset: bigint): void {
    const assigned = this.#assigned.get(partitionName(partition));
    if (assigned === undefined || assigned.leaving || nextOffset <= assigned.position) return;
    assigned.position = nextOffset;
    // Of the batch that was passed, nothing is known.
    assigned.leaderEpoch = undefined;
    if (!assigned.isHeld && this.member !== undefined) fetchFrom(this.member, assigned);
  }

  #skip(partition: TopicPartition, nextOffset: bigint, member: GroupConsumer): void {
    const assigned = this.#current(partition, member);
    if (assigned === undefined || nextOffset <= assigned.position) return;
    this.#options.listener.records(assigned, [], nextOffset);
    assigned.position = nextOffset;
    assigned.leaderEpoch = undefined;
  }

  /**
   * The broker has nothing at the position, or another log: history was deleted, the end was lost, or the topic is another one by the same
   * name.
   */
  async findRange(partition: TopicPartition, member: GroupConsumer): Promise<void> {
    const assigned = this.#current(partition, member);
    if (assigned === undefined) return;
    member.pause([assigned]);
    const isOver = (): boolean => this.#current(partition, member) !== assigned || this.#isStopping();
    const { watch, source } = this.#options;
    for (let delayMs = retryMs.first; !isOver(); delayMs = Math.min(delayMs * 2, retryMs.longest)) {
      const id = this.#options.memory.idOf(assigned.topic);
      const query = { watch, source, assigned, id, wasInRange: wasInRange(assigned, member) };
      const found = await findRange(query).catch(() => undefined);
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
    const { offset, metadata, leaderEpoch } = found;
    const at = { topic, partition, offset };
    const progress = { ...at, metadata, leaderEpoch };
    switch (found.kind) {
      case 'restart':
        this.startOver([topic], member);
        return;
      case 'skip':
        this.#options.listener.noticed({ kind: 'skipped', at, count: offset - position });
        this.#skip(assigned, offset, member);
        break;
      case 'rewind':
      case 'reset': {
        const kind = found.kind === 'reset' ? 'reset' : 'truncated';
        this.#options.listener.noticed({ kind, at, position });
        this.#close(assigned);
        const reopened = this.#openOne({ ...progress, found: undefined, isUncommitted: true }, member);
        for (const text of assigned.ours) reopened.ours.add(text);
        // Until it succeeds, the group has an offset that is not there: whoever starts there comes here.
        this.commit([progress]).catch(() => undefined);
        fetchFrom(member, reopened);
        return;
      }
      case 'stay':
        assigned.leaderEpoch = leaderEpoch;
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
    else if (!assigned.isHeld && !assigned.leaving) this.member?.resume([assigned]);
  }

  /** Of work that nobody awaits. */
  #begin(work: Promise<void>): void {
    void this.#options.boundary.settled(work);
  }

  #isStopping(): boolean {
    return this.#options.signal.aborted;
  }
}
