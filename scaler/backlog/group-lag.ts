// The lag of a consumer group, and the metric that KEDA turns into replicas, with the meaning of KEDA's own scaler
// `type: kafka`. Pure. docs/guides/keda.md lists the differences and their reasons.
import type { PartitionOffsets } from '../../core/kafka/offsets/partition-offsets.ts';
import { isOutsideLog } from '../../core/kafka/offsets/judge-commit.ts';
import { partitionBacklog } from './backlog.ts';

/** The fields of `GroupScale` (activation/group-metadata.ts) that decide how lag is measured. */
export interface LagRules {
  readonly topics: readonly string[];
  readonly partitions: readonly { readonly from: number; readonly to: number }[] | undefined;
  readonly lagThreshold: number;
  readonly offsetResetPolicy: 'latest' | 'earliest';
  readonly allowIdleConsumers: boolean;
  readonly scaleToZeroOnInvalidOffset: boolean;
  readonly limitToPartitionsWithLag: boolean;
  readonly ensureEvenDistributionOfPartitions: boolean;
}

export interface GroupLag {
  /** The whole lag, including that of stalled partitions. It decides whether the group is active. */
  readonly records: bigint;
  /** The metric for KEDA, which starts one replica per `lagThreshold` of it. */
  readonly metric: bigint;
}

/**
 * `isPersistent` is true for the partitions whose lag asks for no replicas.
 * @throws Error if `partitionLimitation` excludes every partition
 */
export function groupLag(
  partitions: readonly PartitionOffsets[],
  rules: LagRules,
  isPersistent: (offsets: PartitionOffsets) => boolean,
): GroupLag {
  // A group that names no topic and has never committed counts as one partition without an offset.
  if (partitions.length === 0 && rules.topics.length === 0) {
    const records = rules.scaleToZeroOnInvalidOffset ? 0n : 1n;
    return { records, metric: records };
  }
  const counted = partitions.filter(({ partition }) => counts(partition, rules));
  if (counted.length === 0)
    throw new Error(`partitionLimitation excludes every partition of ${rules.topics.join(', ')}`);
  let records = 0n;
  let lag = 0n;
  let lagging = 0;
  for (const offsets of counted) {
    const behind = partitionLag(offsets, rules);
    records += behind;
    if (behind === 0n || isPersistent(offsets)) continue;
    lag += behind;
    lagging += 1;
  }
  return { records, metric: metricOf(lag, counted.length, lagging, rules) };
}

function counts(partition: number, { partitions }: LagRules): boolean {
  return partitions === undefined || partitions.some(({ from, to }) => from <= partition && partition <= to);
}

/**
 * Under `latest`, a partition without a committed offset has a lag of one record, whatever it holds, so that one replica
 * starts and commits. KEDA does the same: https://github.com/kedacore/keda/issues/2612. An offset beyond the end of the log is none: KEDA
 * counts less than nothing there, and a consumer starts by its reset policy.
 */
function partitionLag(offsets: PartitionOffsets, rules: LagRules): bigint {
  const isWithoutOffset = offsets.committed === undefined || isOutsideLog(offsets);
  if (isWithoutOffset && rules.scaleToZeroOnInvalidOffset) return 0n;
  if (isWithoutOffset && rules.offsetResetPolicy === 'latest') return 1n;
  return partitionBacklog(offsets, 'earliest');
}

function metricOf(lag: bigint, partitions: number, lagging: number, rules: LagRules): bigint {
  const threshold = BigInt(rules.lagThreshold);
  if (rules.ensureEvenDistributionOfPartitions)
    return BigInt(evenReplicas(lag, partitions, threshold)) * threshold;
  if (rules.limitToPartitionsWithLag) return least(lag, BigInt(lagging) * threshold);
  return rules.allowIdleConsumers ? lag : least(lag, BigInt(partitions) * threshold);
}

/** The lowest number of replicas that divides `partitions` evenly and brings the lag of each replica to `threshold` or below. */
function evenReplicas(lag: bigint, partitions: number, threshold: bigint): number {
  for (let replicas = 1; replicas < partitions; replicas += 1)
    if (partitions % replicas === 0 && BigInt(replicas) * threshold >= lag) return replicas;
  return partitions;
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
