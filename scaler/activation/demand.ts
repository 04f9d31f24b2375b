// Which triggers need replicas, and which need their first replica now. KEDA's gRPC service and the local process runtime
// both ask here. It works without a gateway: for triggers that have a listener, it polls Kafka at their polling interval.
import { metricNameOf } from '../../core/resources/derived-names.ts';
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
 * Keys are `namespace/name`. For a trigger that is not wanted, every method throws or rejects with
 * MILLRACE_TRIGGER_UNKNOWN.
 */
export interface Demand {
  /** Never asks Kafka. */
  metricSpec(key: string): MetricSpec;
  /** The backlog in records, for information; 0 for a suspended trigger. Rejects with MILLRACE_BACKLOG_UNKNOWN. */
  backlog(key: string): Promise<bigint>;
  /**
   * The metric for KEDA, which starts one replica per `targetSize` of it. It is the part of the backlog that replicas can do something
   * about. With a `targetDrainTime`, once the speed of a replica is known, it is the value that asks for enough replicas to settle that
   * in that time. It never asks for more replicas than there are lanes that can move, because others would have nothing to do. As
   * long as there is any backlog, it asks for one replica, to which what blocks is sent again. Rejects like `backlog`.
   */
  metric(key: string): Promise<bigint>;
  /**
   * True if the backlog is above `activationLagThreshold`, or after a recent activation call. Rejects with
   * MILLRACE_BACKLOG_UNKNOWN.
   */
  isActive(key: string): Promise<boolean>;
  /**
   * Calls `listener` while the trigger is active: at once when it becomes active (for an activation call in the same tick),
   * then every second, because KEDA drops a push that comes too early. Inactivity is not pushed, because KEDA ignores it.
   * Returns a function that stops it. An error that a listener throws is ignored.
   */
  onActive(key: string, listener: () => void): () => void;
  /**
   * Handles an activation call: a gateway holds records because no endpoint is ready. The call counts for a few seconds. If
   * the trigger has an `activationLagThreshold`, one held record is no reason to start a replica, and the call only makes
   * the scaler poll Kafka at once.
   */
  wake(key: string): void;
}

/** What KEDA asks about a trigger or a consumer group. */
export type Scaling = Pick<Demand, 'metricSpec' | 'metric' | 'isActive' | 'onActive'>;

export interface DemandOptions {
  readonly triggers: WantedTriggers;
  readonly backlog: Pick<BacklogReader, 'read'>;
  /** If absent, `targetDrainTime` has no effect. */
  readonly drainTargets?: Pick<DrainTargets, 'metricFor'> | undefined;
  readonly emit: EmitScaler;
  /**
   * Milliseconds for which an activation call counts. Default: 5,000. The gateway repeats the call while it holds
   * records.
   */
  readonly holdMs?: number | undefined;
  /**
   * Milliseconds between two pushes of an active trigger. Default: 1,000.
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
  readonly #unsubscribe: () => void;

  constructor(options: DemandOptions) {
    this.#options = options;
    this.#holdMs = options.holdMs ?? 5_000;
    this.#activity = createActivityWatch({
      isActive: (key) => this.isActive(key),
      intervalMs: (key) => (options.triggers.find(key)?.scale.pollingIntervalSeconds ?? 10) * 1000,
      repeatMs: options.repeatMs,
      emit: options.emit,
    });
    this.#unsubscribe = options.triggers.onChange(({ gone }) => {
      for (const key of gone) this.#calledMs.delete(key);
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
    if (subscription.suspend) return 0n;
    const { records, movable, lanes } = await this.#options.backlog.read(key);
    const wanted = this.#options.drainTargets?.metricFor(subscription, movable) ?? movable;
    const most = lanes * BigInt(subscription.scale.lagThreshold);
    const metric = wanted < most ? wanted : most;
    return records > 0n && metric === 0n ? 1n : metric;
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
      this.#activity.check(key);
      return;
    }
    this.#calledMs.set(key, performance.now());
    this.#activity.activate(key);
  }

  close(): void {
    this.#unsubscribe();
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
 * KEDA prefixes the name with `s<index>-`, so one name per trigger is enough.
 */
function metricSpecOf({ name, scale }: Subscription): MetricSpec {
  return { metricName: metricNameOf(name), targetSize: scale.lagThreshold };
}
