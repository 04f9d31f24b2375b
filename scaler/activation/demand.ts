// Who needs replicas, and who needs the first one now: the one decision behind KEDA's gRPC service and the
// local process runtime. It needs no gateway: with listeners it looks at Kafka by itself, at every trigger's
// polling interval.
import type { Subscription } from '../../core/contract/subscription.ts';
import type { BacklogReader } from '../backlog/backlog-reader.ts';
import type { EmitScaler } from '../scaler-events.ts';
import type { WantedTriggers } from '../wanted-triggers.ts';
import type { DrainTargets } from './drain-target.ts';
import { createActivityWatch, type ActivityWatch } from './activity-watch.ts';

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
   * What asks for replicas, one for every `targetSize` of it: the backlog, or with a `targetDrainTime` what asks for as many as
   * are done with it in that time, once it is known how fast one is; but under `ordering: partition` no
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

/** What KEDA asks of anything that is scaled. */
export type Scaling = Pick<Demand, 'metricSpec' | 'metric' | 'isActive' | 'onActive'>;

export interface DemandOptions {
  readonly triggers: WantedTriggers;
  readonly backlog: Pick<BacklogReader, 'read'>;
  /** Absent: `targetDrainTime` means nothing. */
  readonly drainTargets?: Pick<DrainTargets, 'metricFor'> | undefined;
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

export function createDemand(options: DemandOptions): Demand & { close(): void } {
  return new LiveDemand(options);
}

class LiveDemand implements Demand {
  readonly #options: DemandOptions;
  readonly #holdMs: number;
  readonly #calledMs = new Map<string, number>();
  readonly #activity: ActivityWatch;

  constructor(options: DemandOptions) {
    this.#options = options;
    this.#holdMs = options.holdMs ?? 5_000;
    this.#activity = createActivityWatch({
      isActive: (key) => this.isActive(key),
      intervalMs: (key) => (options.triggers.find(key)?.scale.pollingIntervalSeconds ?? 10) * 1000,
      isUrgent: (key) => this.#isCalled(key),
      repeatMs: options.repeatMs,
      emit: options.emit,
    });
  }

  metricSpec(key: string): MetricSpec {
    return metricSpecOf(this.#options.triggers.get(key));
  }

  async backlog(key: string): Promise<bigint> {
    if (this.#options.triggers.get(key).suspend) return 0n;
    return (await this.#options.backlog.read(key)).records;
  }

  async metric(key: string): Promise<bigint> {
    const subscription = this.#options.triggers.get(key);
    const { suspend, delivery, scale } = subscription;
    if (suspend) return 0n;
    const { records, partitions } = await this.#options.backlog.read(key);
    const metric = this.#options.drainTargets?.metricFor(subscription, records) ?? records;
    if (delivery.ordering !== 'partition') return metric;
    const most = BigInt(partitions) * BigInt(scale.lagThreshold);
    return metric < most ? metric : most;
  }

  async isActive(key: string): Promise<boolean> {
    const { suspend, scale } = this.#options.triggers.get(key);
    if (suspend) return false;
    if (this.#isCalled(key)) return true;
    return (await this.#options.backlog.read(key)).records > BigInt(scale.activationLagThreshold);
  }

  onActive(key: string, listener: () => void): () => void {
    return this.#activity.watch(key, listener);
  }

  wake(key: string): void {
    const { suspend, scale } = this.#options.triggers.get(key);
    if (suspend) return;
    if (scale.activationLagThreshold > 0) {
      this.#activity.look(key);
      return;
    }
    this.#calledMs.set(key, performance.now());
    this.#activity.activate(key);
  }

  close(): void {
    this.#activity.close();
    this.#calledMs.clear();
  }

  #isCalled(key: string): boolean {
    const at = this.#calledMs.get(key);
    if (at === undefined) return false;
    if (performance.now() - at < this.#holdMs) return true;
    this.#calledMs.delete(key);
    return false;
  }
}

/**
 * KEDA puts `s<index>-` before the name, so one per trigger is enough; dots are not allowed in names of
 * metrics.
 */
function metricSpecOf({ name, scale }: Subscription): MetricSpec {
  return { metricName: `millrace-${name.replaceAll('.', '-')}`, targetSize: scale.lagThreshold };
}
