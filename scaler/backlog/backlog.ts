// How the backlog is computed: the number of records that a trigger has not settled yet, and what of it replicas can do something about.
// Pure; computed here and nowhere else.
import { MillraceError } from '../../core/contract/errors.ts';
import { settledBeyond, type ProgressMark } from '../../core/contract/marks/progress-mark.ts';
import { partitionName } from '../../core/contract/record.ts';
import type { InitialOffset, Subscription } from '../../core/contract/subscription.ts';
import { judgeCommit } from '../../core/kafka/offsets/judge-commit.ts';
import type { PartitionOffsets } from '../../core/kafka/offsets/partition-offsets.ts';

/** The backlog of one trigger. */
export interface TriggerBacklog {
  readonly records: bigint;
  /** Those of `records` that replicas can do something about, as far as is known: they neither block their lane nor wait behind such a record. */
  readonly movable: bigint;
  /** Lanes that have movable records, at most: more replicas than lanes have nothing to do. */
  readonly lanes: bigint;
  /** Partitions of its source. */
  readonly partitions: number;
  /** Log ends minus backlog, summed over all partitions: it grows by the records that are settled. Only differences mean anything. */
  readonly settled: bigint;
}

/** What decides about the backlog. */
export interface BacklogRules {
  readonly source: Pick<Subscription['source'], 'initialOffset'>;
  readonly delivery: Pick<Subscription['delivery'], 'ordering' | 'retry'>;
}

/** @throws MillraceError MILLRACE_BACKLOG_UNKNOWN if the offsets do not say where the trigger begins; never guesses zero */
export function triggerBacklog(
  partitions: readonly PartitionOffsets[],
  { source, delivery }: BacklogRules,
): TriggerBacklog {
  let [records, movable, lanes, ends] = [0n, 0n, 0n, 0n];
  for (const offsets of partitions) {
    const owed = partitionBacklog(offsets, source.initialOffset);
    const moving = owed > 0n ? movableOf(owed, offsets, delivery) : 0n;
    records += owed;
    movable += moving;
    // The lanes of `key` and `none` are not known. There are no more of them than records.
    lanes += delivery.ordering === 'partition' && moving > 0n ? 1n : moving;
    ends += offsets.end;
  }
  return { records, movable, lanes, partitions: partitions.length, settled: ends - records };
}

/**
 * The backlog of one partition in records: max(0, end − max(next, log start)), minus the offsets that the progress mark beside the
 * committed offset proves to be settled. `next` is where a gateway goes on: mostly the committed offset. If nothing is committed, or what is
 * committed is outside of the log, it is the offset at which the trigger begins. Records that Kafka has deleted never count.
 *
 * A partition without a committed offset adds nothing under `initialOffset: latest`: the gateway first commits the end, so
 * that every later record counts. Transaction markers count as records, because offsets alone do not tell them apart.
 * @throws as `triggerBacklog`
 */
export function partitionBacklog(offsets: PartitionOffsets, initialOffset: InitialOffset): bigint {
  const { logStart, end } = offsets;
  const next = nextOffset(offsets, initialOffset);
  const from = next > logStart ? next : logStart;
  return end > from ? end - from - settledFrom(from, offsets) : 0n;
}

function nextOffset(offsets: PartitionOffsets, initialOffset: InitialOffset): bigint {
  const judged = judgeCommit(offsets);
  switch (judged.kind) {
    case 'stands':
    case 'truncated':
      return judged.offset;
    case 'recreated':
      return offsets.logStart;
    case 'outside':
    case 'none':
      return firstOffset(offsets, initialOffset);
  }
}

/** How many offsets at or after `from` are settled, by the progress mark beside the committed offset. */
function settledFrom(from: bigint, offsets: PartitionOffsets): bigint {
  const mark = markOf(offsets);
  if (mark === undefined) return 0n;
  const { end } = offsets;
  const open = mark.open.filter((offset) => offset >= from && offset < end);
  return settledBeyond(from, { ...mark, open, end: mark.end < end ? mark.end : end });
}

/** As far as it is proved to be of this log. */
function markOf(offsets: PartitionOffsets): ProgressMark | undefined {
  const judged = judgeCommit(offsets);
  return judged.kind === 'stands' ? judged.mark : undefined;
}

/** Of the `owed` records of a partition, which are more than none. */
function movableOf(owed: bigint, offsets: PartitionOffsets, delivery: BacklogRules['delivery']): bigint {
  const mark = markOf(offsets);
  if (mark === undefined) return owed;
  const { logStart, end } = offsets;
  const stuck = [...blockingIn(mark, delivery.retry)].filter((offset) => offset >= logStart && offset < end);
  // One lane: everything waits behind its first record.
  if (delivery.ordering === 'partition') return stuck.length > 0 ? 0n : owed;
  return owed - BigInt(stuck.length);
}

/** Offsets whose records stop their lanes: the gateway says so, or their attempts are used up. */
function blockingIn({ blocked, attempts }: ProgressMark, retry: number): ReadonlySet<bigint> {
  const blocking = new Set(blocked);
  if (retry !== -1) for (const [offset, made] of attempts) if (made > retry) blocking.add(offset);
  return blocking;
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
