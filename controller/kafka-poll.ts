// A poll of Kafka for all triggers together, again and again: often while something is lacking, seldom while all is well.
import { isDeepStrictEqual } from 'node:util';
import { describeError, MillraceError } from '../core/contract/errors.ts';
import type { KafkaAccess } from '../core/contract/kafka-access.ts';
import type { Subscription } from '../core/contract/subscription.ts';
import type { OffsetsQuery, OffsetsResult } from '../core/kafka/offsets/offsets-reader.ts';
import type { ClustersReader } from '../core/kafka/offsets/offsets-of-clusters.ts';
import type { TopicRight } from '../core/kafka/connection/topology.ts';
import { factsOf, storesOf } from './plan/kafka-facts.ts';
import { graceMs } from './plan/source-condition.ts';
import type { KafkaFacts } from './plan/observed.ts';
import { coarse } from './plan/status.ts';

export interface KafkaPoll {
  /** What was seen last; undefined before the first poll. */
  facts(key: string): KafkaFacts | undefined;
  /** Those to be looked after, whole: one that is new or changed is looked at soon. */
  want(subscriptions: readonly Subscription[]): void;
  /** Members of a group, now; undefined where Kafka does not tell. */
  members(group: string, access: KafkaAccess | undefined): Promise<number | undefined>;
  stop(): Promise<void>;
}

export interface KafkaPollOptions {
  readonly kafka: Pick<ClustersReader, 'read' | 'readGroups'>;
  /** As `Demand.backlog`. */
  readonly backlog: (key: string) => Promise<bigint>;
  /** Something is not as it was at the last poll. */
  readonly onChange: (key: string) => void;
  /** Pauses between two looks in ms: while something is lacking, and while nothing is. */
  readonly delayMs?: { readonly lacking: number; readonly whole: number } | undefined;
  /** Milliseconds; the clock when absent. */
  readonly now?: (() => number) | undefined;
}

/** Triggers that come together are looked at together. */
const soonMs = 100;

export function createKafkaPoll(options: KafkaPollOptions): KafkaPoll {
  return new RepeatedPoll(options);
}

class RepeatedPoll implements KafkaPoll {
  readonly #options: KafkaPollOptions;
  readonly #seen = new Map<string, KafkaFacts>();
  #wanted: ReadonlyMap<string, Subscription> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  #isStopped = false;
  /** When the last poll ended. */
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(options: KafkaPollOptions) {
    this.#options = options;
  }

  facts(key: string): KafkaFacts | undefined {
    return this.#seen.get(key);
  }

  want(subscriptions: readonly Subscription[]): void {
    const before = this.#wanted;
    this.#wanted = new Map(subscriptions.map((subscription) => [subscription.key, subscription]));
    for (const key of this.#seen.keys()) if (!this.#wanted.has(key)) this.#seen.delete(key);
    const isNew = subscriptions.some((one) => before.get(one.key) !== one);
    if (isNew && this.#polling === undefined) this.#pollIn(soonMs);
  }

  async members(group: string, access: KafkaAccess | undefined): Promise<number | undefined> {
    const [state] = await this.#options.kafka.readGroups([{ group, access }]);
    return state?.kind === 'read' ? state.members.length : undefined;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#polling;
  }

  #pollIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped || this.#wanted.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#polling = this.#poll().finally(() => {
        this.#polling = undefined;
        const { delayMs = { lacking: 2_000, whole: 10_000 } } = this.#options;
        const isLacking = [...this.#wanted.keys()].some((key) => isLackingIn(this.#seen.get(key)));
        this.#pollIn(isLacking ? delayMs.lacking : delayMs.whole);
      });
    }, ms);
  }

  async #poll(): Promise<void> {
    const { kafka, backlog, now = Date.now } = this.#options;
    const subscriptions = [...this.#wanted.values()];
    const [sources, groups, backlogs] = await Promise.all([
      readAll(kafka, subscriptions.flatMap(queriesOf)),
      kafka.readGroups(
        subscriptions.map(({ source }) => ({ group: source.consumerGroup, access: source.access })),
      ),
      Promise.all(subscriptions.map(({ key }) => backlog(key).catch(() => undefined))),
    ]);
    const nowMs = now();
    for (const [index, subscription] of subscriptions.entries()) {
      const [source, ...stored] = sources.splice(0, queriesOf(subscription).length);
      const group = groups[index];
      // What was wanted no more meanwhile, or otherwise, is not of interest.
      if (source === undefined || group === undefined || this.#wanted.get(subscription.key) !== subscription)
        continue;
      const stores = new Map(storesOf(subscription).flatMap(({ topic }, at) => entry(topic, stored[at])));
      const answers = { source, group, backlog: backlogs[index], stores };
      const facts = factsOf(subscription, answers, this.#seen.get(subscription.key), nowMs);
      this.#keep(subscription.key, facts, nowMs);
    }
    this.#lookedMs = nowMs;
  }

  #keep(key: string, facts: KafkaFacts, nowMs: number): void {
    const before = this.#seen.get(key);
    this.#seen.set(key, facts);
    const isSame = before !== undefined && isDeepStrictEqual(noteworthy(before), noteworthy(facts));
    const dueMs = (facts.lackingSinceMs ?? Infinity) + graceMs;
    // What is lacking is no more so than before, but for too long from now on.
    const isTooLong = this.#lookedMs < dueMs && dueMs <= nowMs;
    if (!isSame || isTooLong) this.#options.onChange(key);
  }
}

function entry<V>(topic: string, value: V | undefined): [string, V][] {
  return value === undefined ? [] : [[topic, value]];
}

/** What the status shows of it. */
function noteworthy(facts: KafkaFacts): unknown {
  return { ...facts, backlog: coarse(facts.backlog) };
}

function isLackingIn(facts: KafkaFacts | undefined): boolean {
  return (
    facts === undefined ||
    facts.lackingSinceMs !== undefined ||
    facts.stores.some(({ state }) => state !== 'there')
  );
}

/**
 * First the source, then each topic that is stored to. The user of a KafkaCluster is the gateway's too, so what it lacks is lacking there;
 * at the own cluster the gateway may be another user than we are.
 */
function queriesOf(subscription: Subscription): OffsetsQuery[] {
  const { access, topics, topicPattern, consumerGroup: group } = subscription.source;
  const needing = (right: TopicRight): Pick<OffsetsQuery, 'access' | 'group' | 'right'> =>
    access === undefined ? { group } : { access, group, right };
  const stores = storesOf(subscription).map(({ topic }) => ({ ...needing('write'), topics: [topic] }));
  return [{ ...needing('read'), topics, topicPattern }, ...stores];
}

async function readAll(
  kafka: KafkaPollOptions['kafka'],
  queries: readonly OffsetsQuery[],
): Promise<OffsetsResult[]> {
  try {
    return await kafka.read(queries);
  } catch (cause) {
    const error =
      cause instanceof MillraceError
        ? cause
        : new MillraceError('MILLRACE_KAFKA_FAILED', describeError(cause), { cause });
    return queries.map(() => ({ kind: 'failed', error }));
  }
}
