// What a consumer group lags behind, and how many replicas that asks for: the meaning of KEDA's scaler `type: kafka`.
// Pure; docs/guides/keda.md has where it differs, and why.
import type { PartitionOffsets } from '../../core/kafka/offsets/offsets-reader.ts';
import { partitionBacklog } from './backlog.ts';

/** The rules of `GroupScale` (activation/group-metadata.ts) that the lag is measured by. */
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
  /** What decides on activity: everything, also what stands still. */
  readonly records: bigint;
  /** What asks for replicas, one for every `lagThreshold` of it. */
  readonly metric: bigint;
}

/**
 * `isPersistent` says of which partitions the lag asks for no replicas.
 * @throws Error where no partition is left that counts
 */
export function groupLag(
  partitions: readonly PartitionOffsets[],
  rules: LagRules,
  isPersistent: (offsets: PartitionOffsets) => boolean,
): GroupLag {
  // A group that has never committed anything and names no topic: as one partition without an offset.
  if (partitions.length === 0 && rules.topics.length === 0) {
    const records = rules.scaleToZeroOnInvalidOffset ? 0n : 1n;
    return { records, metric: records };
  }
  const counted = partitions.filter(({ partition }) => counts(partition, rules));
  if (counted.length === 0)
    throw new Error(`Of ${rules.topics.join(', ')} no partition is within partitionLimitation`);
  let records = 0n;
  let lag = 0n;
  let lagging = 0;
  for (const offsets of counted) {
    const owed = partitionLag(offsets, rules);
    records += owed;
    if (owed === 0n || isPersistent(offsets)) continue;
    lag += owed;
    lagging += 1;
  }
  return { records, metric: metricOf(lag, counted.length, lagging, rules) };
}

function counts(partition: number, { partitions }: LagRules): boolean {
  return partitions === undefined || partitions.some(({ from, to }) => from <= partition && partition <= to);
}

/**
 * Without an offset, `latest` lags by one record, whatever there is: one replica can begin, and commit. (KEDA; see
 * https://github.com/kedacore/keda/issues/2612.)
 */
function partitionLag(offsets: PartitionOffsets, rules: LagRules): bigint {
  if (offsets.committed !== undefined || rules.offsetResetPolicy === 'earliest') {
    const isZero = offsets.committed === undefined && rules.scaleToZeroOnInvalidOffset;
    return isZero ? 0n : partitionBacklog(offsets, 'earliest');
  }
  return rules.scaleToZeroOnInvalidOffset ? 0n : 1n;
}

function metricOf(lag: bigint, partitions: number, lagging: number, rules: LagRules): bigint {
  const threshold = BigInt(rules.lagThreshold);
  if (rules.ensureEvenDistributionOfPartitions)
    return BigInt(evenReplicas(lag, partitions, threshold)) * threshold;
  if (rules.limitToPartitionsWithLag) return least(lag, BigInt(lagging) * threshold);
  return rules.allowIdleConsumers ? lag : least(lag, BigInt(partitions) * threshold);
}

/** The least number of replicas that `lag` is enough for, of those among which `partitions` divide evenly. */
function evenReplicas(lag: bigint, partitions: number, threshold: bigint): number {
  for (let replicas = 1; replicas < partitions; replicas += 1)
    if (partitions % replicas === 0 && BigInt(replicas) * threshold >= lag) return replicas;
  return partitions;
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
