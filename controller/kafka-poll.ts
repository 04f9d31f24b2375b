// Asks Kafka for what the status of each trigger says. Each KafkaCluster has its own poll, so one that is slow or away delays no other. A poll
// covers only the triggers that are due: every few seconds those that are not ready, and less often those that are.
import { isDeepStrictEqual } from 'node:util';
import type { KafkaAccess } from '../core/contract/kafka-access.ts';
import type { Subscription } from '../core/contract/subscription.ts';
import type { ClustersReader } from '../core/kafka/offsets/offsets-of-clusters.ts';
import { askKafka } from './ask-kafka.ts';
import { graceMs } from './plan/conditions/source-condition.ts';
import type { KafkaState } from './plan/observed-state.ts';
import { backlogRange } from './plan/status.ts';

export interface KafkaPoll {
  /** What the last poll found; undefined before the first one. */
  state(key: string): KafkaState | undefined;
  /** Polls `subscription` from now on, in place of an earlier one of its key. A new or changed one is polled soon. */
  set(subscription: Subscription): void;
  delete(key: string): void;
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
  /** Milliseconds between two polls of a trigger: while it is not ready, when it is, and when it has not been ready for a minute. */
  readonly delayMs?: { readonly unready: number; readonly ready: number; readonly stuck: number } | undefined;
  /** Milliseconds; the clock when absent. */
  readonly now?: (() => number) | undefined;
}

/** How long a new subscription waits for others of its cluster, so that they are polled together. */
const batchMs = 100;
const defaultDelayMs = { unready: 2_000, ready: 10_000, stuck: 10_000 };
const stuckAfterMs = 60_000;

export function createKafkaPoll(options: KafkaPollOptions): KafkaPoll {
  return new PollOfClusters(options);
}

class PollOfClusters implements KafkaPoll {
  readonly #options: KafkaPollOptions;
  /** By the access that the triggers of a KafkaCluster share. */
  readonly #clusters = new Map<KafkaAccess | undefined, ClusterPoll>();
  readonly #clusterOf = new Map<string, ClusterPoll>();

  constructor(options: KafkaPollOptions) {
    this.#options = options;
  }

  state(key: string): KafkaState | undefined {
    return this.#clusterOf.get(key)?.state(key);
  }

  set(subscription: Subscription): void {
    const { access } = subscription.source;
    const before = this.#clusterOf.get(subscription.key);
    const cluster = this.#clusters.get(access) ?? new ClusterPoll(this.#options);
    this.#clusters.set(access, cluster);
    this.#clusterOf.set(subscription.key, cluster);
    cluster.set(subscription, before?.state(subscription.key));
    if (before !== undefined && before !== cluster) this.#leave(before, subscription.key);
  }

  delete(key: string): void {
    const cluster = this.#clusterOf.get(key);
    this.#clusterOf.delete(key);
    if (cluster !== undefined) this.#leave(cluster, key);
  }

  #leave(cluster: ClusterPoll, key: string): void {
    cluster.delete(key);
    if (cluster.size > 0) return;
    for (const [access, one] of this.#clusters) if (one === cluster) this.#clusters.delete(access);
    void cluster.stop();
  }

  async members(group: string, access: KafkaAccess | undefined): Promise<number | undefined> {
    const [state] = await this.#options.kafka.readGroups([{ group, access }]);
    return state?.kind === 'read' ? state.members.length : undefined;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#clusters.values()].map((cluster) => cluster.stop()));
  }
}

interface Polled {
  readonly subscription: Subscription;
  state: KafkaState | undefined;
  /** When it is to be polled, and when it was last, by `performance.now()` and the clock of the options. */
  dueMs: number;
  polledMs: number;
}

/** The triggers of one KafkaCluster. One poll is in progress at a time. */
class ClusterPoll {
  readonly #options: KafkaPollOptions;
  readonly #polled = new Map<string, Polled>();
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Infinity;
  #polling: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: KafkaPollOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#polled.size;
  }

  state(key: string): KafkaState | undefined {
    return this.#polled.get(key)?.state;
  }

  /** `state` is what an earlier poll of the trigger found. */
  set(subscription: Subscription, state: KafkaState | undefined): void {
    if (this.#polled.get(subscription.key)?.subscription === subscription) return;
    const dueMs = performance.now() + batchMs;
    this.#polled.set(subscription.key, { subscription, state, dueMs, polledMs: Number.NEGATIVE_INFINITY });
    this.#wakeAt(dueMs);
  }

  delete(key: string): void {
    this.#polled.delete(key);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#polling;
  }

  #wakeAt(atMs: number): void {
    if (this.#isStopped || this.#polling !== undefined || atMs >= this.#timerMs) return;
    clearTimeout(this.#timer);
    this.#timerMs = atMs;
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, atMs - performance.now()));
  }

  #wake(): void {
    this.#timerMs = Infinity;
    const nowMs = performance.now();
    const due = [...this.#polled.values()].filter(({ dueMs }) => dueMs <= nowMs + batchMs);
    this.#polling = this.#poll(due).finally(() => {
      this.#polling = undefined;
      let nextMs = Infinity;
      for (const { dueMs } of this.#polled.values()) nextMs = Math.min(nextMs, dueMs);
      if (nextMs < Infinity) this.#wakeAt(nextMs);
    });
  }

  async #poll(due: readonly Polled[]): Promise<void> {
    const { kafka, backlog, now = Date.now } = this.#options;
    const answers = await askKafka(
      kafka,
      backlog,
      due.map(({ subscription, state }) => ({ subscription, before: state })),
      now,
    );
    const nowMs = now();
    for (const [index, polled] of due.entries()) {
      const state = answers[index];
      const { key } = polled.subscription;
      if (state === undefined || this.#polled.get(key) !== polled) continue;
      this.#update(key, polled, state, nowMs);
      polled.dueMs = performance.now() + this.#delayMs(state, nowMs);
    }
  }

  #delayMs(state: KafkaState, nowMs: number): number {
    const { delayMs = defaultDelayMs } = this.#options;
    if (isReady(state)) return delayMs.ready;
    return nowMs - (state.unreadySinceMs ?? nowMs) > stuckAfterMs ? delayMs.stuck : delayMs.unready;
  }

  #update(key: string, polled: Polled, state: KafkaState, nowMs: number): void {
    const before = polled.state;
    polled.state = state;
    const isSame = before !== undefined && isDeepStrictEqual(shownInStatus(before), shownInStatus(state));
    // The condition changes once more when the grace period ends, although Kafka's answers are the same.
    const graceEndMs = (state.unreadySinceMs ?? Infinity) + graceMs;
    const hasGraceEnded = polled.polledMs < graceEndMs && graceEndMs <= nowMs;
    polled.polledMs = nowMs;
    if (!isSame || hasGraceEnded) this.#options.onChange(key);
  }
}

function shownInStatus(state: KafkaState): unknown {
  return { ...state, backlog: backlogRange(state.backlog) };
}

function isReady(kafka: KafkaState): boolean {
  return kafka.unreadySinceMs === undefined && kafka.stores.every(({ state }) => state === 'exists');
}
