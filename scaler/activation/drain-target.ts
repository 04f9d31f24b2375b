// `targetDrainTime`: turns the backlog of a trigger into a metric that makes KEDA start enough replicas to settle the backlog
// in that time.
import type { Subscription } from '../../core/contract/subscription.ts';
import type { TriggerBacklog } from '../backlog/backlog-reader.ts';
import { createSettleRate, sampleMs, type SettleRate } from '../backlog/settle-rate.ts';
import type { WantedTriggers } from '../wanted-triggers.ts';

export interface DrainTargetsOptions {
  readonly triggers: WantedTriggers;
  /** Polls Kafka for all triggers. The poll must call `observe` with each backlog. */
  readonly refresh: () => Promise<void>;
  /** Ready replicas of a trigger's function; undefined if unknown. */
  readonly replicas: (key: string) => number | undefined;
}

export interface DrainTargets {
  observe(key: string, backlog: TriggerBacklog): void;
  /** The metric for KEDA, which divides it by `lagThreshold`. It is `records` itself while the speed of a replica is unknown. */
  metricFor(subscription: Subscription, records: bigint): bigint;
  close(): void;
}

/**
 * While any trigger has a `targetDrainTime`, it polls Kafka at every fifth second of the wall clock. All scalers poll at the
 * same times, so they measure the same.
 */
export function createDrainTargets({ triggers, refresh, replicas }: DrainTargetsOptions): DrainTargets {
  const rates = new Map<string, SettleRate>();
  const hasTarget = (key: string): boolean => triggers.find(key)?.scale.targetDrainMs !== undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const schedule = (): void => {
    timer ??= setTimeout(poll, sampleMs - (Date.now() % sampleMs));
  };
  const poll = (): void => {
    timer = undefined;
    for (const key of rates.keys()) if (!hasTarget(key)) rates.delete(key);
    if (isClosed || !triggers.all().some(({ key }) => hasTarget(key))) return;
    // A failure is reported to the next caller that asks for the metric.
    refresh().catch(() => undefined);
    schedule();
  };
  const unsubscribe = triggers.onChange(schedule);
  schedule();

  return {
    observe(key, { records, partitions, settled }) {
      const count = replicas(key);
      if (count === undefined || !hasTarget(key)) return;
      let rate = rates.get(key);
      if (rate === undefined) rates.set(key, (rate = createSettleRate()));
      rate.observe({ atMs: Date.now(), settled, backlog: records, partitions, replicas: count });
    },
    metricFor({ key, scale }, records) {
      const perReplica = rates.get(key)?.perReplica;
      if (scale.targetDrainMs === undefined || perReplica === undefined) return records;
      return drainMetric(records, scale.lagThreshold, perReplica * (scale.targetDrainMs / 1000));
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      unsubscribe();
    },
  };
}

/** `capacity`: the records that one replica settles in the target time. */
function drainMetric(records: bigint, lagThreshold: number, capacity: number): bigint {
  return BigInt(Math.ceil((Number(records) * lagThreshold) / Math.max(capacity, 1)));
}
