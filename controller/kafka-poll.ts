// One poll of Kafka for all triggers together, repeated: every few seconds while a trigger is not ready, and less often when all are.
import { isDeepStrictEqual } from 'node:util';
import { describeError, MillraceError } from '../core/contract/errors.ts';
import type { KafkaAccess } from '../core/contract/kafka-access.ts';
import type { Subscription } from '../core/contract/subscription.ts';
import type { OffsetsQuery, OffsetsResult } from '../core/kafka/offsets/offsets-reader.ts';
import type { ClustersReader } from '../core/kafka/offsets/offsets-of-clusters.ts';
import type { TopicRight } from '../core/kafka/connection/topology.ts';
import { kafkaStateOf, storeTopicsOf } from './plan/kafka-state.ts';
import { graceMs } from './plan/source-condition.ts';
import type { KafkaState } from './plan/observed-state.ts';
import { backlogRange } from './plan/status.ts';

export interface KafkaPoll {
  /** What the last poll found; undefined before the first one. */
  state(key: string): KafkaState | undefined;
  /** Replaces the list of subscriptions to poll. A new or changed one is polled soon. */
  setSubscriptions(subscriptions: readonly Subscription[]): void;
  /** How many members a group has now; undefined if Kafka does not answer. */
  members(group: string, access: KafkaAccess | undefined): Promise<number | undefined>;
  stop(): Promise<void>;
}

export interface KafkaPollOptions {
  readonly kafka: Pick<ClustersReader, 'read' | 'readGroups'>;
  /** As `Demand.backlog`. */
  readonly backlog: (key: string) => Promise<bigint>;
  /** The poll found something other than the last one did. */
  readonly onChange: (key: string) => void;
  /** Milliseconds between two polls: while a trigger is not ready, and when all are. */
  readonly delayMs?: { readonly unready: number; readonly ready: number } | undefined;
  /** Milliseconds; the clock when absent. */
  readonly now?: (() => number) | undefined;
}

/** How long a new subscription waits for others, so that they are polled together. */
const batchMs = 100;

export function createKafkaPoll(options: KafkaPollOptions): KafkaPoll {
  return new RepeatedPoll(options);
}

class RepeatedPoll implements KafkaPoll {
  readonly #options: KafkaPollOptions;
  readonly #states = new Map<string, KafkaState>();
  #subscriptions: ReadonlyMap<string, Subscription> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  #isStopped = false;
  /** When the last poll ended. */
  #polledMs = Number.NEGATIVE_INFINITY;

  constructor(options: KafkaPollOptions) {
    this.#options = options;
  }

  state(key: string): KafkaState | undefined {
    return this.#states.get(key);
  }

  setSubscriptions(subscriptions: readonly Subscription[]): void {
    const before = this.#subscriptions;
    this.#subscriptions = new Map(subscriptions.map((subscription) => [subscription.key, subscription]));
    for (const key of this.#states.keys()) if (!this.#subscriptions.has(key)) this.#states.delete(key);
    const isNew = subscriptions.some((one) => before.get(one.key) !== one);
    if (isNew && this.#polling === undefined) this.#pollIn(batchMs);
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
    if (this.#isStopped || this.#subscriptions.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#polling = this.#poll().finally(() => {
        this.#polling = undefined;
        const { delayMs = { unready: 2_000, ready: 10_000 } } = this.#options;
        const areReady = [...this.#subscriptions.keys()].every((key) => isReady(this.#states.get(key)));
        this.#pollIn(areReady ? delayMs.ready : delayMs.unready);
      });
    }, ms);
  }

  async #poll(): Promise<void> {
    const { kafka, backlog, now = Date.now } = this.#options;
    const subscriptions = [...this.#subscriptions.values()];
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
      const isCurrent = this.#subscriptions.get(subscription.key) === subscription;
      if (source === undefined || group === undefined || !isCurrent) continue;
      const stores = new Map(
        storeTopicsOf(subscription).flatMap(({ topic }, at) => entry(topic, stored[at])),
      );
      const answers = { source, group, backlog: backlogs[index], stores };
      const state = kafkaStateOf(subscription, answers, this.#states.get(subscription.key), nowMs);
      this.#update(subscription.key, state, nowMs);
    }
    this.#polledMs = nowMs;
  }

  #update(key: string, state: KafkaState, nowMs: number): void {
    const before = this.#states.get(key);
    this.#states.set(key, state);
    const isSame = before !== undefined && isDeepStrictEqual(shownInStatus(before), shownInStatus(state));
    // The condition changes once more when the grace period ends, although Kafka's answers are the same.
    const graceEndMs = (state.unreadySinceMs ?? Infinity) + graceMs;
    const hasGraceEnded = this.#polledMs < graceEndMs && graceEndMs <= nowMs;
    if (!isSame || hasGraceEnded) this.#options.onChange(key);
  }
}

function entry<V>(topic: string, value: V | undefined): [string, V][] {
  return value === undefined ? [] : [[topic, value]];
}

function shownInStatus(state: KafkaState): unknown {
  return { ...state, backlog: backlogRange(state.backlog) };
}

function isReady(kafka: KafkaState | undefined): boolean {
  return (
    kafka !== undefined &&
    kafka.unreadySinceMs === undefined &&
    kafka.stores.every(({ state }) => state === 'exists')
  );
}

/**
 * First the source, then each topic that the trigger stores to. The rights are checked only where a KafkaCluster names the user: the gateway
 * connects as that user too. On the installation's own cluster, the gateway may connect as another user than the scaler.
 */
function queriesOf(subscription: Subscription): OffsetsQuery[] {
  const { access, topics, topicPattern, consumerGroup: group } = subscription.source;
  const needing = (right: TopicRight): Pick<OffsetsQuery, 'access' | 'group' | 'right'> =>
    access === undefined ? { group } : { access, group, right };
  const stores = storeTopicsOf(subscription).map(({ topic }) => ({ ...needing('write'), topics: [topic] }));
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
