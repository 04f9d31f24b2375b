// Wanted triggers → running pipelines: starts new triggers, stops those that are gone or suspended, and replaces those that changed. Each trigger
// does so by itself (supervised-trigger.ts), so none waits for another. None of this moves committed offsets.
import type { BlockedRecord, SkipAnswer, SkipRequest } from '../../core/contract/skip.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { Budget } from '../pipeline/open-partition.ts';
import type { PipelineDependencies } from '../pipeline/pipeline.ts';
import type { TriggerSnapshot } from '../pipeline/trigger-snapshot.ts';
import { SupervisedTrigger, type RestartDelays } from './supervised-trigger.ts';

export interface SupervisorOptions extends PipelineDependencies {
  /** The most of one trigger that may be in memory. */
  readonly perTrigger: Budget;
  /** The most of all triggers together that may be in memory; each trigger has an equal part of it. */
  readonly inAll: Budget;
  /** Default: from 1 s to 1 min. */
  readonly restartMs?: RestartDelays | undefined;
}

const usualRestartMs: RestartDelays = { first: 1_000, longest: 60_000, calm: 300_000 };

export class Supervisor {
  readonly #options: SupervisorOptions;
  /** Also those that are not wanted any more, until they have drained. */
  readonly #triggers = new Map<string, SupervisedTrigger>();
  #wanted: readonly Subscription[] = [];
  #budget: Budget;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#budget = options.perTrigger;
  }

  /** How many triggers there are, including those that still drain. */
  get size(): number {
    return this.#triggers.size;
  }

  /**
   * Runs exactly these triggers, of which no two have one key. An object that was wanted before is taken to be unchanged. Resolves when
   * what changed runs or is gone; never rejects. A later call may come at any time: a trigger then ends as the last call wants it.
   */
  async want(wanted: readonly Subscription[]): Promise<void> {
    this.#wanted = wanted;
    const keys = new Set<string>();
    const changed: Promise<void>[] = [];
    let running = 0;
    for (const subscription of wanted) {
      keys.add(subscription.key);
      if (!subscription.suspend) running += 1;
      const trigger = this.#triggers.get(subscription.key) ?? this.#add(subscription.key);
      if (trigger.wanted !== subscription) changed.push(trigger.want(subscription));
    }
    this.#budget = this.#budgetOf(running);
    for (const [key, trigger] of this.#triggers)
      if (!keys.has(key) && trigger.wanted !== undefined) changed.push(trigger.want(undefined));
    await Promise.all(changed);
  }

  /**
   * Stops all triggers in parallel. Resolves when each has finished, or has given up after the drain limit. A drain that is under way
   * counts: nobody waits for two.
   */
  async stop(): Promise<void> {
    this.#wanted = [];
    await Promise.all([...this.#triggers.values()].map((trigger) => trigger.want(undefined)));
  }

  snapshot(): readonly TriggerSnapshot[] {
    return this.#wanted.flatMap(({ key }) => this.#triggers.get(key)?.snapshot() ?? []);
  }

  /** Skips a record of the trigger `key` on request. */
  async skip(key: string, request: SkipRequest): Promise<SkipAnswer> {
    const pipeline = this.#triggers.get(key)?.pipeline;
    if (pipeline !== undefined) return pipeline.skip(request);
    return { kind: 'refused', refusal: 'elsewhere', why: `this gateway does not run the trigger ${key}` };
  }

  /** The records that block lanes of the trigger `key`, longest first; undefined where it does not run here. */
  blocked(key: string, limit: number): BlockedRecord[] | undefined {
    return this.#triggers.get(key)?.pipeline?.blocked(limit);
  }

  #add(key: string): SupervisedTrigger {
    const { events, restartMs = usualRestartMs } = this.#options;
    const trigger: SupervisedTrigger = new SupervisedTrigger({
      dependencies: this.#options,
      events,
      budget: () => this.#budget,
      restartMs,
      onGone: (last) => {
        if (this.#triggers.get(key) !== trigger) return;
        this.#triggers.delete(key);
        events.emit('ended', last);
      },
    });
    this.#triggers.set(key, trigger);
    return trigger;
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
