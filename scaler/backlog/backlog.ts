// Backlog: what remains to be done for one trigger. Pure; computed here and nowhere else.
import { MillraceError } from '../../core/contract/errors.ts';
import { decodeMark, settledBeyond } from '../../core/contract/progress-mark.ts';
import { partitionName } from '../../core/contract/record.ts';
import type { InitialOffset } from '../../core/contract/subscription.ts';
import type { PartitionOffsets } from '../../core/kafka/offsets/offsets-reader.ts';

/**
 * Records that are owed: the sum over the partitions of max(0, end − max(next, log start)), where next is the
 * committed offset, or where nothing is committed the offset that the trigger begins at; less what the progress
 * mark beside the committed offset says is settled beyond that. Deleted history is never owed.
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

/** `backlog` of one partition. */
export function partitionBacklog(offsets: PartitionOffsets, initialOffset: InitialOffset): bigint {
  const { logStart, end } = offsets;
  const next = offsets.committed?.offset ?? firstOffset(offsets, initialOffset);
  const from = next > logStart ? next : logStart;
  return end > from ? end - from - settledFrom(from, offsets) : 0n;
}

/** How many offsets from `from` on the mark beside the committed one calls settled. */
function settledFrom(from: bigint, { end, committed }: PartitionOffsets): bigint {
  if (committed === undefined) return 0n;
  const mark = decodeMark(committed.offset, committed.metadata);
  // Ends are read after commits: a mark that knows more than the log has is of an earlier topic of this name.
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
    `Nothing is committed for ${partitionName(offsets)}, and the offset at its initial time ${time} was not looked up`,
  );
}
