// What a committed offset, and the progress mark beside it, are worth in the log that is there now. Pure. Gateways and scalers judge alike.
//
//   mark of this topic   true as far as the log has kept the mark's leader epoch: what lies beyond was lost, and others may stand there
//   mark of another      made before the topic was deleted and created again, or copied from another cluster (MirrorMaker 2), or from
//                        another partition of this topic
//   mark of version 1    names no log: believed if it ends within this one, so that an update delivers nothing again
//   no mark              the offset counts, unless it is outside of the log
import {
  cutMark,
  emptyMark,
  isOfLog,
  isOfTopic,
  markVersion,
  readMark,
  settledBeyond,
  type ProgressMark,
} from '../../contract/marks/progress-mark.ts';
import type { CommittedProgress } from './offset-exchange.ts';
import type { PartitionOffsets } from './partition-offsets.ts';

export type CommitJudgement =
  /** Nothing is committed. */
  | { readonly kind: 'none' }
  | {
      readonly kind: 'stands';
      readonly offset: bigint;
      /** What of the mark is proved. */
      readonly mark: ProgressMark;
      /** How many records the mark calls settled without proof; undefined where it cannot be read. */
      readonly unproved: bigint | undefined;
    }
  /** The same topic: brokers lost the end of the log. `offset`: the first that may be another one than was read. */
  | { readonly kind: 'truncated'; readonly offset: bigint; readonly partitions: number | undefined }
  /** The topic was deleted and created again. `before`: the id of the deleted one, as its mark names it. */
  | { readonly kind: 'recreated'; readonly before: string }
  /** It is of another log, or the log ends before it: it counts as none. */
  | { readonly kind: 'outside' };

export function judgeCommit(offsets: PartitionOffsets): CommitJudgement {
  const { committed, log, logStart, epochEnd } = offsets;
  if (committed === undefined) return { kind: 'none' };
  const { offset, metadata } = committed;
  const version = markVersion(metadata);
  const mark = committedMark(committed);
  const marked = mark?.log;
  if (mark !== undefined && isOfLog(marked, log)) return judgeOwn(offset, mark, offsets);
  const isCopied = isOfTopic(marked, log);
  if (marked !== undefined && marked.cluster === log?.cluster && !isCopied)
    return { kind: 'recreated', before: marked.topic };
  // The number of partitions is that of another topic, where the mark names one.
  const partitions = marked === undefined || isCopied ? mark?.partitions : undefined;
  if (isOutsideLog(offsets)) return { kind: 'outside' };
  // Without a mark, the epoch of the commit itself tells.
  if (epochEnd !== undefined && epochEnd < offset)
    return { kind: 'truncated', offset: max(epochEnd, logStart), partitions };
  if (mark === undefined)
    return {
      kind: 'stands',
      offset,
      mark: emptyMark(offset),
      unproved: version === undefined ? 0n : undefined,
    };
  if (version === 1 && mark.end <= endOf(offsets)) return { kind: 'stands', offset, mark, unproved: 0n };
  return {
    kind: 'stands',
    offset,
    mark: { ...emptyMark(offset), partitions },
    unproved: settledBeyond(offset, mark),
  };
}

/** The mark is of this topic. */
function judgeOwn(offset: bigint, mark: ProgressMark, offsets: PartitionOffsets): CommitJudgement {
  const { logStart, epochEnd } = offsets;
  const { partitions } = mark;
  const end = endOf(offsets);
  const isKnown = mark.log?.epoch !== undefined && epochEnd !== -1n;
  const kept = isKnown ? (epochEnd ?? end) : end;
  if (kept < offset) return { kind: 'truncated', offset: max(kept, logStart), partitions };
  const proved = cutMark(offset, mark, isKnown ? kept : offset);
  const unproved = settledBeyond(offset, mark) - settledBeyond(offset, proved);
  return { kind: 'stands', offset, mark: proved, unproved };
}

/**
 * Whether the group has an offset that is of no use: it is of another log, or the log ends before it. A consumer starts as if there
 * were none.
 */
export function isOutsideLog(offsets: PartitionOffsets): boolean {
  const { committed, epochEnd } = offsets;
  return committed !== undefined && (epochEnd === -1n || committed.offset > endOf(offsets));
}

/** Whether the last stable offset does not tell how far the commit, and its mark, are within the log. */
export function isBeyondStable({ committed, end }: PartitionOffsets): boolean {
  if (committed === undefined) return false;
  return committed.offset > end || (committedMark(committed)?.end ?? committed.offset) > end;
}

const marks = new WeakMap<CommittedProgress, ProgressMark | false>();

/** The mark beside a committed offset, proved or not; undefined where none can be read. Decoded once: most partitions are idle. */
export function committedMark(committed: CommittedProgress): ProgressMark | undefined {
  let mark = marks.get(committed);
  if (mark === undefined) {
    mark = readMark(committed.offset, committed.metadata) ?? false;
    marks.set(committed, mark);
  }
  return mark || undefined;
}

/** One past the last record, as far as it is known. */
function endOf({ end, highWatermark = end }: PartitionOffsets): bigint {
  return max(highWatermark, end);
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
