// KEDA's arithmetic for one function: metric in, number of replicas out. Pure. In a cluster, KEDA decides 0 ↔ 1 (activation,
// cooldown), and the HorizontalPodAutoscaler that it drives decides 1 ↔ N.
import type { ScaleSettings } from '../../core/contract/subscription.ts';

export interface Observation {
  readonly nowMs: number;
  /** The scaler's answer to KEDA's `GetMetrics`. Undefined if it could not be read, because unknown is never zero. */
  readonly metric: bigint | undefined;
  /** The backlog is above the activation threshold, or a gateway that holds records has made an activation call. */
  readonly active: boolean;
}

interface Recommendation {
  readonly atMs: number;
  readonly replicas: number;
}

export interface ScaleState {
  readonly replicas: number;
  readonly lastActiveMs: number;
  /** The recommendations of the last cooldown period, oldest first. */
  readonly recommended: readonly Recommendation[];
}

export const asleep: ScaleState = { replicas: 0, lastActiveMs: Number.NEGATIVE_INFINITY, recommended: [] };

/**
 * The next state of a function's scale.
 *
 * - From zero, activity starts the lowest number of replicas (KEDA).
 * - Above zero, the target is `ceil(metric / lagThreshold)`. It scales up at once, and down to the highest recommendation of
 *   the last `cooldownPeriod`. That is the HPA's stabilisation window, whose default of 300 s is too long on a developer's
 *   machine.
 * - It scales to zero after `cooldownPeriod` without activity.
 * - An unknown metric changes nothing, but a push still wakes the function.
 *
 * Not modelled: the HPA's tolerance of 10 %, and its limit of four pods per 15 s.
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

/** How many replicas bring the share of each to `lagThreshold` or below. */
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
