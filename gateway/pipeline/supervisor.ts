// Wanted triggers → running pipelines: starts what is new, stops what is gone or suspended, and replaces what changed,
// without touching the others. Offsets stay where they are in all of these.
import { isDeepStrictEqual } from 'node:util';
import type { BlockedRecord, SkipAnswer, SkipRequest } from '../../core/contract/skip.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { Budget } from './open-partition.ts';
import { Pipeline, type PipelineDependencies } from './pipeline.ts';
import type { TriggerSnapshot } from './trigger-snapshot.ts';

export interface SupervisorOptions extends PipelineDependencies {
  /** What may lie in memory of one trigger, at most. */
  readonly perTrigger: Budget;
  /** What may lie in memory of all of them; each has an equal part of it. */
  readonly inAll: Budget;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #running = new Map<string, Pipeline>();
  #wanted: readonly Subscription[] = [];
  #work: Promise<void> = Promise.resolve();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** These triggers are wanted, and no others. Resolves when they run; calls take effect one after the other. */
  want(wanted: readonly Subscription[]): Promise<void> {
    this.#wanted = wanted;
    this.#work = this.#work.then(() => this.#reconcile());
    return this.#work;
  }

  /** Stops all, side by side; resolves when every one has finished or given up within the drain limit. */
  stop(): Promise<void> {
    return this.want([]);
  }

  snapshot(): readonly TriggerSnapshot[] {
    return this.#wanted.map(
      (subscription) => this.#running.get(subscription.key)?.snapshot() ?? notRunning(subscription),
    );
  }

  /** Settles a record of the trigger `key` because somebody says so. */
  async skip(key: string, request: SkipRequest): Promise<SkipAnswer> {
    const pipeline = this.#running.get(key);
    if (pipeline !== undefined) return pipeline.skip(request);
    return { kind: 'refused', refusal: 'elsewhere', why: `no trigger ${key} runs here` };
  }

  /** What blocks lanes of the trigger `key`, for longest first; undefined where it does not run here. */
  blocked(key: string, limit: number): BlockedRecord[] | undefined {
    return this.#running.get(key)?.blocked(limit);
  }

  async #reconcile(): Promise<void> {
    const wanted = new Map(this.#wanted.filter(({ suspend }) => !suspend).map((one) => [one.key, one]));
    const leaving = [...this.#running.values()].filter(
      ({ subscription }) => !isDeepStrictEqual(subscription, wanted.get(subscription.key)),
    );
    // One that ends badly must not keep the others, or what comes after, from their turn.
    await Promise.allSettled(leaving.map((pipeline) => pipeline.stop()));
    for (const { subscription } of leaving) this.#running.delete(subscription.key);

    const budget = this.#budgetOf(wanted.size);
    for (const pipeline of this.#running.values()) pipeline.setBudget(budget);
    for (const subscription of wanted.values()) {
      if (this.#running.has(subscription.key)) continue;
      const pipeline = new Pipeline(subscription, this.#options, budget);
      this.#running.set(subscription.key, pipeline);
      pipeline.start();
    }
  }

  #budgetOf(triggers: number): Budget {
    const { perTrigger, inAll } = this.#options;
    const parts = Math.max(1, triggers);
    return {
      records: Math.min(perTrigger.records, inAll.records / parts),
      bytes: Math.min(perTrigger.bytes, inAll.bytes / parts),
    };
  }
}

function notRunning({ key, suspend }: Subscription): TriggerSnapshot {
  return {
    key,
    state: suspend ? 'suspended' : 'starting',
    reason: suspend ? 'spec.suspend is true' : 'not started yet',
    ready: false,
    missingCredentials: '',
    partitions: 0,
    readyEndpoints: 0,
    openCircuits: 0,
    concurrencyLimit: 0,
    lowestConcurrencyLimit: 0,
    isRateLimited: false,
    queued: 0,
    inFlight: 0,
    held: 0,
    parked: 0,
    congested: 0,
    blocked: 0,
    delivered: 0,
    filtered: 0,
    deadLettered: 0,
    skipped: 0,
    replies: 0,
  };
}
