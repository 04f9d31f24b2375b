// How the backlog is computed: the number of records that a trigger has not settled yet. Pure; computed here and nowhere else.
import { MillraceError } from '../../core/contract/errors.ts';
import { decodeMark, settledBeyond } from '../../core/contract/progress-mark.ts';
import { partitionName } from '../../core/contract/record.ts';
import type { InitialOffset } from '../../core/contract/subscription.ts';
import type { PartitionOffsets } from '../../core/kafka/offsets/offsets-reader.ts';

/**
 * The backlog of a trigger in records: the sum over its partitions of max(0, end − max(next, log start)), minus the offsets
 * that the progress mark beside the committed offset calls settled. `next` is the committed offset, or the offset at which the
 * trigger begins if nothing is committed. Records that Kafka has deleted never count.
 *
 * A partition without a committed offset adds nothing under `initialOffset: latest`: the gateway first commits the end, so
 * that every later record counts. Transaction markers count as records, because offsets alone do not tell them apart.
 * @throws MillraceError MILLRACE_BACKLOG_UNKNOWN if the offsets do not say where the trigger begins; never guesses zero
 */
export function backlog(partitions: readonly PartitionOffsets[], initialOffset: InitialOffset): bigint {
  let records = 0n;
  for (const partition of partitions) records += partitionBacklog(partition, initialOffset);
  return records;
}

/** `backlog` of one partition. */
export function partitionBacklog(offsets: PartitionOffsets, initialOffset: InitialOffset): bigint {
  const { logStart, end } = offsets;
  const next = offsets.committed?.offset ?? firstOffset(offsets, initialOffset);
  const from = next > logStart ? next : logStart;
  return end > from ? end - from - settledFrom(from, offsets) : 0n;
}

/** How many offsets at or after `from` are settled, by the progress mark beside the committed offset. */
function settledFrom(from: bigint, { end, committed }: PartitionOffsets): bigint {
  if (committed === undefined) return 0n;
  const mark = decodeMark(committed.offset, committed.metadata);
  // Ends are read after commits, so a mark beyond the end of the log belongs to an earlier topic of the same name.
  if (mark.end > end) return 0n;
  return settledBeyond(from, { ...mark, open: mark.open.filter((offset) => offset >= from) });
}

function firstOffset(offsets: PartitionOffsets, initialOffset: InitialOffset): bigint {
  if (initialOffset === 'latest') return offsets.end;
  if (initialOffset === 'earliest') return offsets.logStart;
  if (offsets.atStartTimestamp !== undefined) return offsets.atStartTimestamp;
  const time = new Date(initialOffset.timestampMs).toISOString();
  throw new MillraceError(
    'MILLRACE_BACKLOG_UNKNOWN',
    `Nothing is committed for ${partitionName(offsets)}, and Kafka was not asked for the offset at its initial time ${time}`,
  );
}
