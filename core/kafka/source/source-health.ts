// Compares one life of a client with what the topic watch sees: topics that came or went, came again, or have other partitions
// than the client knows; partitions that nobody reads; positions that stand still; a join that does not end.
import type { TopicPartition } from '../../contract/record.ts';
import type { SourceSettings } from '../../contract/subscription.ts';
import type { GroupConsumer } from './group-consumer.ts';
import type { TopicMemory } from '../topics/topic-memory.ts';
import type { TopicsSnapshot, TopicFollower } from '../topics/topic-watch.ts';
import { matchTopics } from '../topics/find-topics.ts';

/** Why a client is left for a new one, in words. */
export interface Departure {
  readonly reason: 'joining' | 'topics';
  readonly detail: string;
}

export interface SourceHealthOptions {
  readonly source: SourceSettings;
  readonly member: GroupConsumer;
  /** The topics that the client reads. */
  readonly subscribed: readonly string[];
  readonly memory: TopicMemory;
  /** What the group has given to this member. */
  readonly joined: () => readonly TopicPartition[];
  /** What was given is not opened yet. */
  readonly isOpening: () => boolean;
  /** It was given, and is neither open nor on its way to it. */
  readonly isOrphan: (partition: TopicPartition) => boolean;
  readonly leave: (departure: Departure) => void;
  /** These of the topics that the client reads are not there, and no others. */
  readonly onGone: (topics: readonly string[]) => void;
  readonly onRecreated: (topics: readonly string[]) => void;
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
  /** Those that were so at the look before, too. */
  #gone: readonly string[] = [];
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

  seen(snapshot: TopicsSnapshot | undefined): void {
    const { member, leave } = this.#options;
    const joiningMs = performance.now() - (member.joiningSinceMs ?? performance.now());
    if (joiningMs > joinLimitMs)
      leave({ reason: 'joining', detail: `the group has not answered for ${joinLimitMs / 1000} s` });
    if (snapshot === undefined) return;
    this.#compareTopics(snapshot);
    this.#comparePartitions(snapshot);
    this.#compareIds(snapshot);
  }

  #compareTopics(snapshot: TopicsSnapshot): void {
    const { source, subscribed, leave } = this.#options;
    const wanted =
      source.topicPattern === undefined ? source.topics : matchTopics(source.topicPattern, snapshot.names);
    const came = wanted.filter((one) => !subscribed.includes(one) && snapshot.topic(one).kind === 'there');
    const missing = subscribed.filter((one) => snapshot.topic(one).kind === 'missing');
    const gone = missing.filter((one) => this.#missing.has(one));
    this.#missing = new Set(missing);
    // The others are not kept by one that is gone: as long as there are any, it is only said, and waited for.
    const isLeft = source.topicPattern !== undefined || gone.length === subscribed.length;
    if (came.length === 0 && !(isLeft && gone.length > 0)) {
      this.#noteGone(gone);
      return;
    }
    const told = (word: string, names: readonly string[]): string[] =>
      names.length === 0 ? [] : [`${word} ${names.join(', ')}`];
    leave({ reason: 'topics', detail: [...told('there now:', came), ...told('gone:', gone)].join('; ') });
  }

  #noteGone(gone: readonly string[]): void {
    const before = this.#gone;
    this.#gone = gone;
    const isBack = before.some((topic) => !gone.includes(topic));
    // Others may have been spread meanwhile.
    if (isBack) this.#options.member.rejoin();
    if (isBack || gone.length !== before.length) this.#options.onGone(gone);
  }

  /** The leader of the group spreads what it knows of; it looks again at each join. */
  #comparePartitions(snapshot: TopicsSnapshot): void {
    const { subscribed, member, isOrphan, joined, isOpening } = this.#options;
    if (member.joiningSinceMs !== undefined) return;
    const hasChanged = subscribed.some((topic) => {
      const seen = snapshot.topic(topic);
      const spread = member.partitionCount(topic);
      return seen.kind === 'there' && spread !== undefined && seen.partitions !== spread;
    });
    const isOrphaned = !isOpening() && joined().some(isOrphan);
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
}
