// Wanted triggers → running pipelines: starts new triggers, stops those that are gone or suspended, and replaces those that changed,
// without touching the others. None of this moves committed offsets.
import { isDeepStrictEqual } from 'node:util';
import type { BlockedRecord, SkipAnswer, SkipRequest } from '../../core/contract/skip.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { Budget } from './open-partition.ts';
import { Pipeline, type PipelineDependencies } from './pipeline.ts';
import type { TriggerSnapshot } from './trigger-snapshot.ts';

export interface SupervisorOptions extends PipelineDependencies {
  /** The most of one trigger that may be in memory. */
  readonly perTrigger: Budget;
  /** The most of all triggers together that may be in memory; each trigger has an equal part of it. */
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

  /** Runs exactly these triggers. Resolves when they run. Calls take effect one after the other. */
  want(wanted: readonly Subscription[]): Promise<void> {
    this.#wanted = wanted;
    this.#work = this.#work.then(() => this.#reconcile());
    return this.#work;
  }

  /** Stops all triggers in parallel. Resolves when each has finished, or has given up after the drain limit. */
  stop(): Promise<void> {
    return this.want([]);
  }

  snapshot(): readonly TriggerSnapshot[] {
    return this.#wanted.map(
      (subscription) => this.#running.get(subscription.key)?.snapshot() ?? notRunning(subscription),
    );
  }

  /** Skips a record of the trigger `key` on request. */
  async skip(key: string, request: SkipRequest): Promise<SkipAnswer> {
    const pipeline = this.#running.get(key);
    if (pipeline !== undefined) return pipeline.skip(request);
    return { kind: 'refused', refusal: 'elsewhere', why: `this gateway does not run the trigger ${key}` };
  }

  /** The records that block lanes of the trigger `key`, longest first; undefined where it does not run here. */
  blocked(key: string, limit: number): BlockedRecord[] | undefined {
    return this.#running.get(key)?.blocked(limit);
  }

  async #reconcile(): Promise<void> {
    const wanted = new Map(this.#wanted.filter(({ suspend }) => !suspend).map((one) => [one.key, one]));
    const leaving = [...this.#running.values()].filter(
      ({ subscription }) => !isDeepStrictEqual(subscription, wanted.get(subscription.key)),
    );
    // A pipeline that fails to stop must not keep the others from stopping, nor new ones from starting.
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
