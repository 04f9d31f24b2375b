// How many records per second one replica of a function settles, from what Kafka says at several instants: how far the group
// has come. Pure; docs/decisions/0017-target-drain-time.md says why so.

/** How things stood at one instant. */
export interface RateSample {
  /** Of the wall clock. */
  readonly atMs: number;
  /** How far the group has come, over all partitions; only differences mean anything. */
  readonly settled: bigint;
  /** Records that are owed. */
  readonly owed: bigint;
  readonly partitions: number;
  /** Ready replicas of the function. */
  readonly replicas: number;
}

export interface SettleRate {
  observe(sample: RateSample): void;
  /** Records per second and replica; undefined while too little is known. */
  readonly perReplica: number | undefined;
}

/** Instants are at least so far apart, and rates over more than the other say too little. */
export const sampleMs = 5_000;
const longestMs = 4 * sampleMs;
/** Of so many busy intervals, the middle one counts. */
const kept = 12;
const least = 3;
/** Rates are told in steps of ten per cent, what the HPA tolerates, so that scalers that measure nearly the same say the same. */
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
      if (rates.length > kept) rates.shift();
    },
    get perReplica() {
      if (rates.length < least) return undefined;
      const middle = rates.toSorted((a, b) => a - b)[rates.length >> 1] as number;
      return Math.exp(Math.round(Math.log(middle) / step) * step);
    },
  };
}

/**
 * Undefined where the replicas had not enough to do to show what they can: a rate that is bounded by what arrives would ask for
 * more replicas, which then would each have less to do. They had enough where all that was settled was owed at the beginning,
 * and something is still owed at the end. A function that settles nothing is stuck, and says nothing about its speed.
 */
function rateBetween(from: RateSample, to: RateSample): number | undefined {
  const ms = to.atMs - from.atMs;
  const settled = to.settled - from.settled;
  const isSteady = from.replicas === to.replicas && from.partitions === to.partitions && to.replicas > 0;
  const isBusy = settled > 0n && from.owed >= settled && to.owed > 0n;
  if (ms <= 0 || ms > longestMs || !isSteady || !isBusy) return undefined;
  return Number(settled) / (ms / 1000) / to.replicas;
}
