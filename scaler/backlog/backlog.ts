// Backlog: what remains to be done for one trigger. Pure; computed here and nowhere else.
import { MillraceError } from '../../gateway/contract/errors.ts';
import { partitionName } from '../../gateway/contract/record.ts';
import type { InitialOffset } from '../../gateway/contract/subscription.ts';
import type { PartitionOffsets } from '../../gateway/kafka/offsets.ts';

/**
 * Records that are owed: the sum over the partitions of max(0, end − max(next, log start)), where next is the
 * committed offset, or where nothing is committed the offset that the trigger begins at. Deleted history is
 * never owed.
 *
 * A partition without a committed offset owes nothing under `initialOffset: latest`: the gateway commits the
 * end as its first act, so that what comes later is counted. Transaction markers count as records: offsets
 * alone do not tell them.
 * @throws MillraceError MILLRACE_BACKLOG_UNKNOWN where the offsets do not say where the trigger begins; never guesses zero
 */
export function backlog(partitions: readonly PartitionOffsets[], initialOffset: InitialOffset): bigint {
  let owed = 0n;
  for (const partition of partitions) owed += partitionBacklog(partition, initialOffset);
  return owed;
}

function partitionBacklog(offsets: PartitionOffsets, initialOffset: InitialOffset): bigint {
  const { logStart, end } = offsets;
  const next = offsets.committed?.offset ?? firstOffset(offsets, initialOffset);
  const from = next > logStart ? next : logStart;
  return end > from ? end - from : 0n;
}

function firstOffset(offsets: PartitionOffsets, initialOffset: InitialOffset): bigint {
  if (initialOffset === 'latest') return offsets.end;
  if (initialOffset === 'earliest') return offsets.logStart;
  if (offsets.atStartTimestamp !== undefined) return offsets.atStartTimestamp;
  const time = new Date(initialOffset.timestampMs).toISOString();
  throw new MillraceError(
    'MILLRACE_BACKLOG_UNKNOWN',
    `Nothing is committed for ${partitionName(offsets)}, and the offset at its initial time ${time} was not looked up`,
  );
}
