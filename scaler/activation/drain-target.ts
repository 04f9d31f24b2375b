// `targetDrainTime`: turns the backlog of a trigger into a metric that makes KEDA start enough replicas to settle the backlog
// in that time.
import type { Subscription } from '../../core/contract/subscription.ts';
import type { TriggerBacklog } from '../backlog/backlog.ts';
import { createSettleRate, sampleMs, type SettleRate } from '../backlog/settle-rate.ts';
import type { WantedTriggers } from '../wanted-triggers.ts';

export interface DrainTargetsOptions {
  readonly triggers: WantedTriggers;
  /** Asks Kafka for the backlog of a trigger as it is now. This must call `observe` with it. */
  readonly measure: (key: string) => Promise<unknown>;
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
 * Asks for the triggers with a `targetDrainTime` at every fifth second of the wall clock. All scalers ask at the same times, so they
 * measure the same.
 */
export function createDrainTargets({ triggers, measure, replicas }: DrainTargetsOptions): DrainTargets {
  /** Of the triggers with a `targetDrainTime`. */
  const rates = new Map<string, SettleRate>();
  let timer: NodeJS.Timeout | undefined;

  const schedule = (): void => {
    if (rates.size > 0) timer ??= setTimeout(poll, sampleMs - (Date.now() % sampleMs));
  };
  const poll = (): void => {
    timer = undefined;
    // A failure is reported to the next caller that asks for the metric.
    for (const key of rates.keys()) measure(key).catch(() => undefined);
    schedule();
  };
  const follow = (wanted: readonly Subscription[]): void => {
    for (const { key, scale } of wanted) {
      if (scale.targetDrainMs === undefined) rates.delete(key);
      else if (!rates.has(key)) rates.set(key, createSettleRate());
    }
    schedule();
  };
  const unsubscribe = triggers.onChange(({ changed, gone }) => {
    for (const key of gone) rates.delete(key);
    follow(changed);
  });
  follow(triggers.all());

  return {
    observe(key, { movable, lanes, partitions, settled }) {
      const ready = replicas(key);
      if (ready === undefined) return;
      // Replicas beyond the lanes had nothing to do, and say nothing about their speed.
      const busy = Math.min(ready, Number(lanes));
      rates.get(key)?.observe({ atMs: Date.now(), settled, backlog: movable, partitions, replicas: busy });
    },
    metricFor({ key, scale }, records) {
      const perReplica = rates.get(key)?.perReplica;
      if (scale.targetDrainMs === undefined || perReplica === undefined) return records;
      return drainMetric(records, scale.lagThreshold, perReplica * (scale.targetDrainMs / 1000));
    },
    close() {
      rates.clear();
      clearTimeout(timer);
      unsubscribe();
    },
  };
}

/** `capacity`: the records that one replica settles in the target time. */
function drainMetric(records: bigint, lagThreshold: number, capacity: number): bigint {
  return BigInt(Math.ceil((Number(records) * lagThreshold) / Math.max(capacity, 1)));
}
