// Keeps the progress of each trigger that nobody reads at present: it is suspended, or no gateway runs, or none may connect. Brokers would
// forget it after a week, and the trigger would begin anew.
import type { MillraceError } from '../core/contract/errors.ts';
import type { Subscription } from '../core/contract/subscription.ts';
import type { ClustersReader, GroupQuery } from '../core/kafka/offsets/offsets-of-clusters.ts';
import type { WantedTriggers } from './wanted-triggers.ts';

export interface ProgressKeeperOptions {
  readonly triggers: Pick<WantedTriggers, 'all'>;
  readonly offsets: Pick<ClustersReader, 'readGroups' | 'keep'>;
  /** Told of each trigger that nobody reads; `error`: why its progress cannot be kept. Must not throw. */
  readonly onKept: (key: string, error: MillraceError | undefined) => void;
  /** From one round to the next, in ms; 300,000 when absent. It must be shorter than brokers keep offsets by themselves. */
  readonly roundMs?: number | undefined;
}

/** So many groups are asked about, and kept, at a time: this is never urgent. */
const atOnce = 50;
/** After which what was kept is kept again although nothing has changed, in ms: somebody may have committed the same since. */
const renewMs = 24 * 3_600_000;

interface Kept {
  readonly text: string;
  readonly sinceMs: number;
}

export class ProgressKeeper {
  readonly #options: ProgressKeeperOptions;
  /** By trigger. */
  #kept = new Map<string, Kept>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ProgressKeeperOptions) {
    this.#options = options;
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#isClosed) return;
    const { roundMs = 300_000 } = this.#options;
    // Scalers that start together take turns.
    const waitMs = roundMs * (0.75 + Math.random() / 4);
    this.#timer = setTimeout(() => void this.#round().finally(() => this.#schedule()), waitMs).unref();
  }

  async #round(): Promise<void> {
    const triggers = this.#options.triggers.all();
    const keys = new Set(triggers.map(({ key }) => key));
    this.#kept = new Map([...this.#kept].filter(([key]) => keys.has(key)));
    for (let from = 0; from < triggers.length && !this.#isClosed; from += atOnce) {
      const some = triggers.slice(from, from + atOnce);
      const states = await this.#options.offsets.readGroups(some.map(queryOf));
      const idle = some.filter((_trigger, at) => {
        const state = states[at];
        return state?.kind !== 'read' || (state.members.length === 0 && !state.rebalancing);
      });
      await Promise.all(idle.map((trigger) => this.#keep(trigger)));
    }
  }

  async #keep(trigger: Subscription): Promise<void> {
    const { key } = trigger;
    const before = this.#kept.get(key);
    const isYoung = before !== undefined && performance.now() - before.sinceMs < renewMs;
    const known = isYoung ? before.text : undefined;
    const outcome = await this.#options.offsets.keep(queryOf(trigger), known);
    if (this.#isClosed) return;
    // What its members commit lasts only for as long as brokers keep it by themselves.
    if (outcome.kind === 'in use') this.#kept.delete(key);
    if (outcome.kind === 'kept' && outcome.text !== known)
      this.#kept.set(key, { text: outcome.text, sinceMs: performance.now() });
    this.#options.onKept(key, outcome.kind === 'failed' ? outcome.error : undefined);
  }
}

function queryOf({ source: { consumerGroup: group, access } }: Subscription): GroupQuery {
  return { group, access };
}
