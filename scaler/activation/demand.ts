// Who needs replicas, and who needs the first one now: the one decision behind KEDA's gRPC service and the
// local process runtime. It needs no gateway: with listeners it looks at Kafka by itself, at every trigger's
// polling interval.
import type { Subscription } from '../../gateway/contract/subscription.ts';
import type { BacklogReader } from '../backlog/backlog-reader.ts';
import type { EmitScaler } from '../events.ts';
import type { WantedTriggers } from '../wanted-triggers.ts';

export interface MetricSpec {
  readonly metricName: string;
  /** Records per replica. */
  readonly targetSize: number;
}

/**
 * Keys are `namespace/name`. Whatever names a trigger that nobody wants throws or rejects with
 * MILLRACE_TRIGGER_UNKNOWN.
 */
export interface Demand {
  /** Never touches Kafka. */
  metricSpec(key: string): MetricSpec;
  /** Records owed; 0 for a suspended trigger. Rejects with MILLRACE_BACKLOG_UNKNOWN. For whoever looks on. */
  backlog(key: string): Promise<bigint>;
  /**
   * What asks for replicas, one for every `targetSize` of it: the backlog, but under `ordering: partition` no
   * more than asks for one replica per partition, for others would have nothing to do. Rejects as `backlog`.
   */
  metric(key: string): Promise<bigint>;
  /**
   * Backlog above `activationLagThreshold`, or a fresh activation call. Rejects with
   * MILLRACE_BACKLOG_UNKNOWN.
   */
  isActive(key: string): Promise<boolean>;
  /**
   * Calls `listener` while the trigger is active: at once when it turns so, in the same tick for an
   * activation call, then every second (KEDA drops a push that comes too early, and ignores pushed falses).
   * Returns how to stop. Never throws what a listener threw.
   */
  onActive(key: string, listener: () => void): () => void;
  /**
   * An activation call: records are held because no endpoint is ready. Good for a few seconds. Where the
   * trigger has an `activationLagThreshold`, one held record is no reason to start: the call only makes us
   * look at Kafka at once.
   */
  wake(key: string): void;
}

export interface DemandOptions {
  readonly triggers: WantedTriggers;
  readonly backlog: Pick<BacklogReader, 'read'>;
  readonly emit: EmitScaler;
  /**
   * Milliseconds that an activation call is held valid; 5,000 when absent. The gateway repeats it while it
   * holds records.
   */
  readonly holdMs?: number | undefined;
  /**
   * Milliseconds between two pushes of an active trigger; 1,000 when absent. Polling intervals are counted in
   * it.
   */
  readonly repeatMs?: number | undefined;
}

/** The look of a trigger that somebody listens for. */
interface Watch {
  readonly listeners: Set<() => void>;
  /** As of the last look at Kafka. */
  active: boolean;
  looking: boolean;
  nextLookMs: number;
}

export function createDemand(options: DemandOptions): Demand & { close(): void } {
  return new LiveDemand(options);
}

class LiveDemand implements Demand {
  readonly #options: DemandOptions;
  readonly #holdMs: number;
  readonly #repeatMs: number;
  readonly #calledMs = new Map<string, number>();
  readonly #watches = new Map<string, Watch>();
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: DemandOptions) {
    this.#options = options;
    this.#holdMs = options.holdMs ?? 5_000;
    this.#repeatMs = options.repeatMs ?? 1_000;
  }

  metricSpec(key: string): MetricSpec {
    return metricSpecOf(this.#options.triggers.get(key));
  }

  async backlog(key: string): Promise<bigint> {
    if (this.#options.triggers.get(key).suspend) return 0n;
    return (await this.#options.backlog.read(key)).records;
  }

  async metric(key: string): Promise<bigint> {
    const { suspend, delivery, scale } = this.#options.triggers.get(key);
    if (suspend) return 0n;
    const { records, partitions } = await this.#options.backlog.read(key);
    if (delivery.ordering !== 'partition') return records;
    const most = BigInt(partitions) * BigInt(scale.lagThreshold);
    return records < most ? records : most;
  }

  async isActive(key: string): Promise<boolean> {
    const { suspend, scale } = this.#options.triggers.get(key);
    if (suspend) return false;
    if (this.#isCalled(key)) return true;
    return (await this.#options.backlog.read(key)).records > BigInt(scale.activationLagThreshold);
  }

  onActive(key: string, listener: () => void): () => void {
    const watch = this.#watches.get(key) ?? {
      listeners: new Set(),
      active: false,
      looking: false,
      nextLookMs: 0,
    };
    // Two subscriptions of the same function are two.
    const own = (): void => listener();
    watch.listeners.add(own);
    this.#watches.set(key, watch);
    this.#ticker ??= setInterval(() => this.#tick(), this.#repeatMs);
    void this.#look(key, watch);
    return () => this.#unwatch(key, watch, own);
  }

  wake(key: string): void {
    const { suspend, scale } = this.#options.triggers.get(key);
    if (suspend) return;
    const watch = this.#watches.get(key);
    if (scale.activationLagThreshold > 0) {
      if (watch !== undefined) void this.#look(key, watch);
      return;
    }
    this.#calledMs.set(key, performance.now());
    if (watch === undefined) return;
    watch.active = true;
    this.#push(key, watch);
  }

  close(): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    this.#watches.clear();
    this.#calledMs.clear();
  }

  #isCalled(key: string): boolean {
    const at = this.#calledMs.get(key);
    if (at === undefined) return false;
    if (performance.now() - at < this.#holdMs) return true;
    this.#calledMs.delete(key);
    return false;
  }

  #tick(): void {
    for (const [key, watch] of this.#watches) {
      if (watch.active || performance.now() >= watch.nextLookMs || this.#isCalled(key))
        void this.#look(key, watch);
    }
  }

  /** Looks at Kafka for one trigger, and pushes where it is active. Never rejects. */
  async #look(key: string, watch: Watch): Promise<void> {
    if (watch.looking) return;
    watch.looking = true;
    try {
      watch.active = await this.isActive(key);
    } catch {
      // Unknown is no reason to start anything; the reader has told why (backlogFailed).
      watch.active = false;
    }
    watch.looking = false;
    const intervalMs = (this.#options.triggers.find(key)?.scale.pollingIntervalSeconds ?? 10) * 1000;
    // Due with all others of the same interval, so that they share a poll.
    watch.nextLookMs = watch.active ? 0 : Math.floor(performance.now() / intervalMs + 1) * intervalMs;
    if (watch.active) this.#push(key, watch);
  }

  #push(key: string, { listeners }: Watch): void {
    for (const listener of [...listeners]) {
      try {
        listener();
        this.#options.emit('pushed', key);
      } catch {
        // A listener that fails must not keep the others asleep; it is its owner's to notice.
      }
    }
  }

  #unwatch(key: string, watch: Watch, listener: () => void): void {
    watch.listeners.delete(listener);
    if (watch.listeners.size > 0 || this.#watches.get(key) !== watch) return;
    this.#watches.delete(key);
    if (this.#watches.size > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }
}

/**
 * KEDA puts `s<index>-` before the name, so one per trigger is enough; dots are not allowed in names of
 * metrics.
 */
function metricSpecOf({ name, scale }: Subscription): MetricSpec {
  return { metricName: `millrace-${name.replaceAll('.', '-')}`, targetSize: scale.lagThreshold };
}
