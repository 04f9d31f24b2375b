// Compares one life of a client with what the topic watch sees: topics that came or went, came again, or have other partitions
// than the client knows; partitions that nobody reads; positions that stand still; a join that does not end.
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import type { SourceSettings } from '../../contract/subscription.ts';
import type { Assigned } from './assigned-partition.ts';
import type { GroupConsumer } from './group-consumer.ts';
import type { Stalls } from '../fetch/stalls.ts';
import type { TopicMemory } from '../fetch/topic-memory.ts';
import type { TopicsSnapshot, TopicFollower } from '../fetch/topic-watch.ts';
import { matchTopics } from '../fetch/find-topics.ts';

/** Why a client is left for a new one, in words. */
export interface Departure {
  readonly reason: 'stalled' | 'joining' | 'topics';
  readonly detail: string;
}

export interface SourceHealthOptions {
  readonly source: SourceSettings;
  readonly member: GroupConsumer;
  /** The topics that the client reads. */
  readonly subscribed: readonly string[];
  readonly memory: TopicMemory;
  readonly stalls: Stalls;
  readonly assigned: () => readonly Assigned[];
  /** What the group has given to this member. */
  readonly joined: () => readonly TopicPartition[];
  /** What was given is not opened yet. */
  readonly isOpening: () => boolean;
  readonly leave: (departure: Departure) => void;
  readonly onRecreated: (topics: readonly string[]) => void;
  /** Names of the partitions that stand still; told at each look. */
  readonly onStalled: (names: readonly string[]) => void;
}

/** A join may wait for other members (30 s), and each of its requests as long for an answer, in ms. */
const joinLimitMs = 75_000;
/** The group is asked to rebalance once in this time at most, in ms. */
const rejoinDelayMs = 10_000;

export function createSourceHealth(options: SourceHealthOptions): TopicFollower {
  return new SourceWatch(options);
}

class SourceWatch implements TopicFollower {
  readonly #options: SourceHealthOptions;
  /** Topics that were missing at the last look: a broker that has just started may not know of all. */
  #missing: ReadonlySet<string> = new Set();
  #lastRejoinMs = Number.NEGATIVE_INFINITY;

  constructor(options: SourceHealthOptions) {
    this.#options = options;
  }

  get wantsAllNames(): boolean {
    return this.#options.source.topicPattern !== undefined;
  }

  topics(): Iterable<string> {
    return [...this.#options.source.topics, ...this.#options.subscribed];
  }

  partitions(): readonly Assigned[] {
    const { member, isOpening, assigned } = this.#options;
    if (member.joiningSinceMs !== undefined || isOpening()) return [];
    return assigned().filter(({ paused, leaving }) => !paused && !leaving);
  }

  seen(snapshot: TopicsSnapshot | undefined): void {
    const { member, leave } = this.#options;
    const joiningMs = performance.now() - (member.joiningSinceMs ?? performance.now());
    if (joiningMs > joinLimitMs)
      leave({ reason: 'joining', detail: `the group has not answered for ${joinLimitMs / 1000} s` });
    if (snapshot === undefined) return;
    this.#compareTopics(snapshot);
    this.#comparePartitions(snapshot);
    this.#compareIds(snapshot);
    this.#comparePositions(snapshot);
  }

  #compareTopics(snapshot: TopicsSnapshot): void {
    const { source, subscribed, leave } = this.#options;
    const wanted =
      source.topicPattern === undefined ? source.topics : matchTopics(source.topicPattern, snapshot.names);
    const came = wanted.filter((one) => !subscribed.includes(one) && snapshot.topic(one).kind === 'there');
    const missing = subscribed.filter((one) => snapshot.topic(one).kind === 'missing');
    const gone = missing.filter((one) => this.#missing.has(one));
    this.#missing = new Set(missing);
    if (came.length + gone.length === 0) return;
    const told = (word: string, names: readonly string[]): string[] =>
      names.length === 0 ? [] : [`${word} ${names.join(', ')}`];
    leave({ reason: 'topics', detail: [...told('there now:', came), ...told('gone:', gone)].join('; ') });
  }

  /** The leader of the group spreads what it knows of; it looks again at each join. */
  #comparePartitions(snapshot: TopicsSnapshot): void {
    const { subscribed, member, assigned, joined, isOpening } = this.#options;
    if (member.joiningSinceMs !== undefined) return;
    const hasChanged = subscribed.some((topic) => {
      const seen = snapshot.topic(topic);
      return seen.kind === 'there' && seen.partitions !== member.partitionCount(topic);
    });
    const open = new Set(assigned().map(({ name }) => name));
    const isOrphaned = !isOpening() && joined().some((one) => !open.has(partitionName(one)));
    if ((!hasChanged && !isOrphaned) || performance.now() - this.#lastRejoinMs < rejoinDelayMs) return;
    this.#lastRejoinMs = performance.now();
    member.rejoin();
  }

  #compareIds(snapshot: TopicsSnapshot): void {
    const { memory, subscribed, onRecreated, isOpening } = this.#options;
    if (isOpening()) return;
    const again = subscribed.filter((topic) => {
      const seen = snapshot.topic(topic);
      return seen.kind === 'there' && memory.isAnother(topic, seen.id);
    });
    if (again.length > 0) onRecreated(again);
  }

  #comparePositions(snapshot: TopicsSnapshot): void {
    const { stalls, member, leave, onStalled, isOpening } = this.#options;
    // Nothing is fetched meanwhile; what stood still before may stand still afterwards.
    if (member.joiningSinceMs !== undefined || isOpening()) return;
    const fetching = this.partitions().flatMap((one) => {
      const end = snapshot.end(one);
      if (end === undefined) return [];
      return [{ name: one.name, position: one.position, end, answeredMs: member.answeredMs(one) }];
    });
    const { stalled, rebuild } = stalls.look(fetching, performance.now());
    onStalled(stalled);
    if (rebuild) leave({ reason: 'stalled', detail: `not fetched: ${stalled.join(', ')}` });
  }
}
