// `targetDrainTime`: what a trigger owes, told to KEDA so that there are as many replicas as are done with it in that time.
import type { Subscription } from '../../core/contract/subscription.ts';
import type { TriggerBacklog } from '../backlog/backlog-reader.ts';
import { createSettleRate, sampleMs, type SettleRate } from '../backlog/settle-rate.ts';
import type { WantedTriggers } from '../wanted-triggers.ts';

export interface DrainTargetsOptions {
  readonly triggers: WantedTriggers;
  /** Polls Kafka for all triggers; `observe` is called with what it brings. */
  readonly refresh: () => Promise<void>;
  /** Ready replicas of a trigger's function; undefined where that is not known. */
  readonly replicas: (key: string) => number | undefined;
}

export interface DrainTargets {
  observe(key: string, owed: TriggerBacklog): void;
  /** The metric for KEDA, which divides it by `lagThreshold`: `records` itself where the speed of a replica is not known. */
  metricFor(subscription: Subscription, records: bigint): bigint;
  close(): void;
}

/**
 * Looks at Kafka at every fifth second of the wall clock, while a trigger has a `targetDrainTime`: so do all scalers, and
 * measure the same.
 */
export function createDrainTargets({ triggers, refresh, replicas }: DrainTargetsOptions): DrainTargets {
  const rates = new Map<string, SettleRate>();
  const isAimed = (key: string): boolean => triggers.find(key)?.scale.targetDrainMs !== undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const schedule = (): void => {
    timer ??= setTimeout(look, sampleMs - (Date.now() % sampleMs));
  };
  const look = (): void => {
    timer = undefined;
    for (const key of rates.keys()) if (!isAimed(key)) rates.delete(key);
    if (isClosed || !triggers.all().some(({ key }) => isAimed(key))) return;
    // Who asks for the metric is told why it is not known.
    refresh().catch(() => undefined);
    schedule();
  };
  const unsubscribe = triggers.onChange(schedule);
  schedule();

  return {
    observe(key, { records: owed, partitions, settled }) {
      const count = replicas(key);
      if (count === undefined || !isAimed(key)) return;
      let rate = rates.get(key);
      if (rate === undefined) rates.set(key, (rate = createSettleRate()));
      rate.observe({ atMs: Date.now(), settled, owed, partitions, replicas: count });
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

/** `capacity`: records that one replica settles in the time that is aimed at. */
function drainMetric(records: bigint, lagThreshold: number, capacity: number): bigint {
  return BigInt(Math.ceil((Number(records) * lagThreshold) / Math.max(capacity, 1)));
}
