// Keeps one function at the scale that its backlog asks for: the part of KEDA on one machine. A push acts at once; the
// polls come at `pollIntervalMs`, more often than a cluster's `pollingInterval`, because here they cost next to nothing.
import type { Subscription } from '../../core/contract/subscription.ts';
import { asleep, autoscale } from './autoscale.ts';
import type { ScaleState } from './autoscale.ts';

/** What the scaler tells KEDA about a trigger. */
export interface Demand {
  /** Records owed, for whoever looks on. Rejects where it is not known. */
  backlog(key: string): Promise<bigint>;
  /** What KEDA divides by `lagThreshold`. Rejects where it is not known. */
  metric(key: string): Promise<bigint>;
  /** Rejects where it is not known. */
  isActive(key: string): Promise<boolean>;
  /** Calls `listener` when the gateway holds records for want of an endpoint. Returns how to stop. */
  onActive(key: string, listener: () => void): () => void;
}

export interface AutoscalerOptions {
  readonly subscription: Subscription;
  readonly demand: Demand;
  readonly scaleTo: (replicas: number) => void;
  readonly pollIntervalMs?: number;
  /** The replicas at the start, where an edited trigger goes on with a new autoscaler. */
  readonly replicas?: number;
}

export class Autoscaler {
  readonly #options: AutoscalerOptions;
  readonly #stopListening: () => void;
  readonly #timer: NodeJS.Timeout;
  #state: ScaleState;
  #backlog: bigint | undefined;
  #metric: bigint | undefined;
  #looking: Promise<void> | undefined;
  #stopped = false;

  constructor(options: AutoscalerOptions) {
    const { subscription, demand, pollIntervalMs = 500, replicas = 0 } = options;
    this.#options = options;
    this.#state = { ...asleep, replicas, lastActiveMs: replicas > 0 ? Date.now() : asleep.lastActiveMs };
    this.#stopListening = demand.onActive(subscription.key, () => this.#decide(true));
    this.#timer = setInterval(() => void this.look(), pollIntervalMs);
    void this.look();
  }

  /** As it was when last read; undefined where it could not be. */
  get backlog(): bigint | undefined {
    return this.#backlog;
  }

  /** Reads the backlog and decides. Looks that overlap are one. */
  look(): Promise<void> {
    this.#looking ??= this.#readAndDecide().finally(() => (this.#looking = undefined));
    return this.#looking;
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
