// KEDA's arithmetic for one function, pure: what is known of its metric goes in, the number of replicas comes out.
// KEDA itself decides 0 ↔ 1 (activation, cooldown); the HorizontalPodAutoscaler that it drives decides 1 ↔ N.
import type { ScaleSettings } from '../../core/contract/subscription.ts';

export interface Observation {
  readonly nowMs: number;
  /** What the scaler answers KEDA's `GetMetrics`. Undefined where it could not be read: unknown is never zero. */
  readonly metric: bigint | undefined;
  /** Backlog above the activation threshold, or a push of the gateway that holds records. */
  readonly active: boolean;
}

interface Recommendation {
  readonly atMs: number;
  readonly replicas: number;
}

export interface ScaleState {
  readonly replicas: number;
  readonly lastActiveMs: number;
  /** What was recommended within the last cooldown period, oldest first. */
  readonly recommended: readonly Recommendation[];
}

export const asleep: ScaleState = { replicas: 0, lastActiveMs: Number.NEGATIVE_INFINITY, recommended: [] };

/**
 * The next state of a function's scale.
 *
 * From zero, activity gives the first replicas and no more (KEDA); from there `ceil(metric / lagThreshold)`, up at
 * once, down to the highest recommendation of the last `cooldownPeriod` (the HPA's stabilisation window, whose
 * default of 300 s would be long on one's own machine); and zero when nothing was active for `cooldownPeriod`.
 * An unknown metric changes nothing, except that a push still wakes. Left out: the HPA's tolerance of 10 % and
 * its limit of four pods per 15 s.
 */
export function autoscale(scale: ScaleSettings, state: ScaleState, observation: Observation): ScaleState {
  const { nowMs, active, metric } = observation;
  const limits = replicaLimits(scale);
  const lastActiveMs = active ? nowMs : state.lastActiveMs;
  const cooldownMs = scale.cooldownPeriodSeconds * 1000;

  if (state.replicas === 0) {
    const replicas = active ? limits.lowest : scale.minReplicaCount;
    return { replicas, lastActiveMs, recommended: [] };
  }
  if (metric === undefined) {
    return { ...state, replicas: clamp(state.replicas, limits), lastActiveMs };
  }
  if (scale.minReplicaCount === 0 && !active && nowMs - lastActiveMs >= cooldownMs) {
    return { replicas: 0, lastActiveMs, recommended: [] };
  }

  const replicas = clamp(replicasFor(metric, scale.lagThreshold), limits);
  const recommended = [
    ...state.recommended.filter(({ atMs }) => nowMs - atMs < cooldownMs),
    { atMs: nowMs, replicas },
  ];
  const highest = Math.max(...recommended.map((recommendation) => recommendation.replicas));
  const stabilised = replicas >= state.replicas ? replicas : Math.min(state.replicas, highest);
  return { replicas: clamp(stabilised, limits), lastActiveMs, recommended };
}

/** Replicas that bring the share of each to `lagThreshold` or below. */
export function replicasFor(metric: bigint, lagThreshold: number): number {
  return Math.ceil(Number(metric) / lagThreshold);
}

interface ReplicaLimits {
  readonly lowest: number;
  readonly highest: number;
}

/** An HPA never goes below one. */
function replicaLimits(scale: ScaleSettings): ReplicaLimits {
  const lowest = Math.max(1, scale.minReplicaCount);
  return { lowest, highest: Math.max(lowest, scale.maxReplicaCount) };
}

function clamp(replicas: number, { lowest, highest }: ReplicaLimits): number {
  return Math.min(highest, Math.max(lowest, replicas));
}
