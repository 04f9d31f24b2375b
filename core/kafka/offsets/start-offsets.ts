// Where a group starts to read: where it stands, as far as that is proved to be of this log; where it has no offset, at the initial offset. What
// is not yet committed so is committed before anything else, so that nothing produced from then on is missed.
import type { PartitionProgress, SourceNotice } from '../../contract/record-source.ts';
import {
  emptyMark,
  encodeMark,
  type MarkedLog,
  type ProgressMark,
} from '../../contract/marks/progress-mark.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import type { InitialOffset } from '../../contract/subscription.ts';
import { committedMark, judgeCommit, type CommitJudgement } from './judge-commit.ts';
import type { CommittedProgress } from './offset-exchange.ts';
import type { PartitionOffsets } from './partition-offsets.ts';
import type { TopicWatch } from '../topics/topic-watch.ts';

export interface StartOffset extends PartitionProgress {
  /** What the group has committed, text for text; undefined where it has nothing. */
  readonly found: string | undefined;
  /** The group has nothing, or nothing of use: `offset` is to be committed before it is opened. */
  readonly isUncommitted: boolean;
  /** What is to be said of it when it is opened. */
  readonly notice?: SourceNotice | undefined;
}

export interface StartOffsetsQuery {
  readonly watch: TopicWatch;
  readonly groupId: string;
  /** May be of several topics. A broker that does not answer delays them all. */
  readonly partitions: readonly TopicPartition[];
  readonly initial: InitialOffset;
  readonly begunOf: (partition: TopicPartition) => BegunTopic;
  /** True where the group's offset is that of a deleted topic by the same name. */
  readonly isVoid: (partition: TopicPartition) => boolean;
}

/** Offset and progress mark as one text, to compare what the group has with what we said. */
export function progressText({ offset, metadata }: Pick<PartitionProgress, 'offset' | 'metadata'>): string {
  return `${offset} ${metadata}`;
}

/**
 * Where each of the partitions starts, by its name, or why that is not known. A partition that was added after the group had begun starts at its
 * first record, whatever the initial offset: a progress mark tells how many there were. Rejects when Kafka does not answer.
 */
export async function readStartOffsets(
  query: StartOffsetsQuery,
): Promise<ReadonlyMap<string, StartOffset | { readonly error: unknown }>> {
  const { watch, groupId: group, partitions, initial, begunOf, isVoid } = query;
  const startTimestampMs = typeof initial === 'object' ? initial.timestampMs : undefined;
  const results = await watch.readOffsets(
    partitions.map(({ topic, partition }) => ({
      ...{ group, topics: [topic], partitions: [partition] },
      startTimestampMs,
    })),
  );
  const starts = new Map<string, StartOffset | { readonly error: unknown }>();
  for (const [index, one] of partitions.entries()) {
    const result = results[index];
    const [range] = result?.kind === 'read' ? result.partitions : [];
    const judgement = range === undefined || isVoid(one) ? none : judgeCommit(range);
    const unknown =
      result?.kind === 'failed' ? result.error : new Error(`Kafka does not know ${partitionName(one)}`);
    starts.set(
      partitionName(one),
      range === undefined ? { error: unknown } : startOf(range, judgement, begunOf(one), initial),
    );
  }
  return starts;
}

const none = { kind: 'none' } as const;

/** What is known of a topic, of all of its partitions. */
export interface BegunTopic {
  /** How many there were when the group began, 0 for a topic that came later; undefined where it has not, or nothing tells. */
  readonly before: number | undefined;
  /** How many there are. */
  readonly count: number;
}

export interface TopicCommits {
  /** The topic as it is now; undefined where brokers have no ids. */
  readonly log: MarkedLog | undefined;
  readonly count: number;
  /** What the group has committed, of any of its partitions. */
  readonly committed: Iterable<CommittedProgress>;
  /**
   * True for a topic that came after the group had begun, as far as this member knows: where the marks of others do not tell
   * otherwise, all that is in it is owed.
   */
  readonly isLater: boolean;
  /** True for a topic that came again after it was deleted: all that is in it is owed. */
  readonly isAgain: boolean;
}

/** Whoever leads the partitions need not be asked for this. */
export function begunTopic({ log, count, committed, isLater, isAgain }: TopicCommits): BegunTopic {
  let before: number | undefined;
  let isAnother = isAgain;
  for (const one of committed) {
    const mark = committedMark(one);
    const isOfCluster = mark?.log !== undefined && mark.log.cluster === log?.cluster;
    if (isOfCluster && mark.log.topic !== log.topic) isAnother = true;
    else if (mark?.partitions !== undefined && (isOfCluster || mark.log === undefined))
      before = Math.min(mark.partitions, before ?? mark.partitions);
  }
  return { before: isAnother || (before === undefined && isLater) ? 0 : before, count };
}

function startOf(
  range: PartitionOffsets,
  judgement: CommitJudgement,
  begun: BegunTopic,
  initial: InitialOffset,
): StartOffset {
  const { topic, partition } = range;
  const before = judgement.kind === 'recreated' ? 0 : begun.before;
  const count = before === 0 ? 0 : begun.count;
  const at = (offset: bigint, mark: ProgressMark = emptyMark(offset)): PartitionProgress => {
    const log = range.log;
    const metadata = encodeMark(offset, { ...mark, log, partitions: mark.partitions ?? count });
    return {
      topic,
      partition,
      offset,
      metadata,
      ...(log?.epoch !== undefined && { leaderEpoch: log.epoch }),
    };
  };
  const position = range.committed?.offset ?? 0n;
  const found = judgement.kind === 'none' ? undefined : range.committed && progressText(range.committed);
  const moved = { found, isUncommitted: true };
  switch (judgement.kind) {
    case 'stands': {
      const { offset, mark, unproved } = judgement;
      const notice = { kind: 'unproved', at: { topic, partition, offset }, count: unproved } as const;
      const told = unproved === 0n ? undefined : notice;
      return { ...at(offset, mark), found, isUncommitted: false, notice: told };
    }
    case 'truncated': {
      const { offset, partitions: then } = judgement;
      const notice = { kind: 'truncated', at: { topic, partition, offset }, position } as const;
      return { ...at(offset, { ...emptyMark(offset), partitions: then }), ...moved, notice };
    }
    case 'recreated': {
      const now = range.log?.topic ?? '';
      return {
        ...at(range.logStart),
        ...moved,
        notice: { kind: 'recreated', topic, before: judgement.before, now },
      };
    }
    case 'outside':
    case 'none': {
      const isNew = before !== undefined && partition >= before;
      const offset = isNew ? range.logStart : initialOffset(range, initial);
      const notice = { kind: 'reset', at: { topic, partition, offset }, position } as const;
      return { ...at(offset), ...moved, notice: judgement.kind === 'outside' ? notice : undefined };
    }
  }
}

function initialOffset(
  { logStart, end, atStartTimestamp }: PartitionOffsets,
  initial: InitialOffset,
): bigint {
  if (initial === 'latest') return end;
  return initial === 'earliest' ? logStart : (atStartTimestamp ?? end);
}
