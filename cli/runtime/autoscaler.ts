// Scales one function by its backlog, as KEDA does in a cluster. A push acts at once. Polls run every `pollIntervalMs`, more
// often than a cluster's `pollingInterval`, because they are cheap on one machine.
import type { Subscription } from '../../core/contract/subscription.ts';
import { asleep, autoscale } from './autoscale.ts';
import type { ScaleState } from './autoscale.ts';

/** What the scaler reports about a trigger. All methods that return a promise reject if the answer is unknown. */
export interface Demand {
  /** The backlog in records, for display. */
  backlog(key: string): Promise<bigint>;
  /** The metric that KEDA divides by `lagThreshold`. */
  metric(key: string): Promise<bigint>;
  isActive(key: string): Promise<boolean>;
  /** Calls `listener` when the gateway holds records because no endpoint is ready. Returns a function that stops it. */
  onActive(key: string, listener: () => void): () => void;
}

export interface AutoscalerOptions {
  readonly subscription: Subscription;
  readonly demand: Demand;
  readonly scaleTo: (replicas: number) => void;
  readonly pollIntervalMs?: number;
  /** The replicas that already run, when the autoscaler of an edited trigger is replaced. */
  readonly replicas?: number;
}

export class Autoscaler {
  readonly #options: AutoscalerOptions;
  readonly #stopListening: () => void;
  readonly #timer: NodeJS.Timeout;
  #state: ScaleState;
  #backlog: bigint | undefined;
  #metric: bigint | undefined;
  #polling: Promise<void> | undefined;
  #stopped = false;

  constructor(options: AutoscalerOptions) {
    const { subscription, demand, pollIntervalMs = 500, replicas = 0 } = options;
    this.#options = options;
    this.#state = { ...asleep, replicas, lastActiveMs: replicas > 0 ? Date.now() : asleep.lastActiveMs };
    this.#stopListening = demand.onActive(subscription.key, () => this.#decide(true));
    this.#timer = setInterval(() => void this.poll(), pollIntervalMs);
    void this.poll();
  }

  /** The backlog of the last poll; undefined if it could not be read. */
  get backlog(): bigint | undefined {
    return this.#backlog;
  }

  /** Reads the backlog and decides. Overlapping polls share one result. */
  poll(): Promise<void> {
    this.#polling ??= this.#readAndDecide().finally(() => (this.#polling = undefined));
    return this.#polling;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#stopListening();
  }

  async #readAndDecide(): Promise<void> {
    const { demand, subscription } = this.#options;
    const [backlog, metric, active] = await Promise.allSettled([
      demand.backlog(subscription.key),
      demand.metric(subscription.key),
      demand.isActive(subscription.key),
    ]);
    const known = active.status === 'fulfilled';
    this.#backlog = known && backlog.status === 'fulfilled' ? backlog.value : undefined;
    this.#metric = known && metric.status === 'fulfilled' ? metric.value : undefined;
    this.#decide(known && active.value);
  }

  #decide(active: boolean): void {
    if (this.#stopped) return;
    const { subscription, scaleTo } = this.#options;
    const before = this.#state.replicas;
    this.#state = autoscale(subscription.scale, this.#state, {
      nowMs: Date.now(),
      metric: this.#metric,
      active,
    });
    if (this.#state.replicas !== before) scaleTo(this.#state.replicas);
  }
}
