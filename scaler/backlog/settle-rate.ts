// How many records per second one replica of a function settles, measured from the progress of its consumer group between
// polls of Kafka. Pure. docs/decisions/0017-target-drain-time.md has the reasons.

/** The state at one poll. */
export interface RateSample {
  /** Wall-clock time. */
  readonly atMs: number;
  /** Settled records over all partitions, as in `TriggerBacklog`: only differences mean anything. */
  readonly settled: bigint;
  /** Records that replicas can do something about. */
  readonly backlog: bigint;
  readonly partitions: number;
  /** Ready replicas of the function that can be busy. */
  readonly replicas: number;
}

export interface SettleRate {
  observe(sample: RateSample): void;
  /** Records per second and replica; undefined before enough intervals are measured. */
  readonly perReplica: number | undefined;
}

/** The time between samples. A sample that comes earlier is ignored. */
export const sampleMs = 5_000;
/** A rate over a longer interval says too little. */
const longestMs = 4 * sampleMs;
/** The rate is the median of the last `windowSize` busy intervals, once there are `minIntervals`. */
const windowSize = 12;
const minIntervals = 3;
/** Rates are rounded to steps of ten per cent, the HPA's tolerance, so that scalers that measure nearly the same report the same. */
const step = Math.log(1.1);

export function createSettleRate(): SettleRate {
  const rates: number[] = [];
  let last: RateSample | undefined;
  return {
    observe(sample) {
      if (last !== undefined && sample.atMs - last.atMs < sampleMs * 0.9 && sample.atMs >= last.atMs) return;
      const rate = last && rateBetween(last, sample);
      last = sample;
      if (rate === undefined) return;
      rates.push(rate);
      if (rates.length > windowSize) rates.shift();
    },
    get perReplica() {
      if (rates.length < minIntervals) return undefined;
      const middle = rates.toSorted((a, b) => a - b)[rates.length >> 1] as number;
      return Math.exp(Math.round(Math.log(middle) / step) * step);
    },
  };
}

/**
 * Undefined if the replicas were not busy for the whole interval: a rate that is limited by arriving records would ask for more
 * replicas, and each of them would then have even less to do. Replicas were busy if the backlog at the start covers everything
 * that they settled and some backlog is left at the end. A function that settles nothing is stuck, which says nothing about
 * its speed.
 */
function rateBetween(from: RateSample, to: RateSample): number | undefined {
  const ms = to.atMs - from.atMs;
  const settled = to.settled - from.settled;
  const isSteady = from.replicas === to.replicas && from.partitions === to.partitions && to.replicas > 0;
  const isBusy = settled > 0n && from.backlog >= settled && to.backlog > 0n;
  if (ms <= 0 || ms > longestMs || !isSteady || !isBusy) return undefined;
  return Number(settled) / (ms / 1000) / to.replicas;
}
