// Where a group starts to read: where it stands; where it has no offset, at the initial offset, which is committed before
// anything else, so that nothing produced from then on is missed.
import type { PartitionProgress } from '../../contract/record-source.ts';
import { decodeMark, encodeMark } from '../../contract/progress-mark.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import type { InitialOffset } from '../../contract/subscription.ts';
import type { PartitionOffsets } from './offsets-reader.ts';
import type { TopicWatch } from '../fetch/topic-watch.ts';

export interface StartOffset extends PartitionProgress {
  /** What the group has committed, text for text; undefined where it has nothing: `offset` is the initial one then. */
  readonly found: string | undefined;
}

export interface StartOffsetsQuery {
  readonly watch: TopicWatch;
  readonly groupId: string;
  /** May be of several topics. */
  readonly partitions: readonly TopicPartition[];
  readonly initial: InitialOffset;
  /**
   * True for a topic that came after the group had begun, as far as this member knows: where the marks of others do not tell
   * otherwise, all that is in it is owed.
   */
  readonly isLater: (topic: string) => boolean;
  /** True for a topic that came again after it was deleted: all that is in it is owed. */
  readonly isAgain: (topic: string) => boolean;
  /** True where the group's offset is that of a deleted topic by the same name. */
  readonly isVoid: (partition: TopicPartition) => boolean;
}

/** Offset and progress mark as one text, to compare what the group has with what we said. */
export function progressText({ offset, metadata }: Pick<PartitionProgress, 'offset' | 'metadata'>): string {
  return `${offset} ${metadata}`;
}

/**
 * Where each of the partitions starts. A partition that was added after the group had begun starts at its first record,
 * whatever the initial offset: a progress mark tells how many there were. Rejects when Kafka does not answer.
 */
export async function readStartOffsets(query: StartOffsetsQuery): Promise<StartOffset[]> {
  const { watch, groupId: group, partitions, initial } = query;
  const startTimestampMs = typeof initial === 'object' ? initial.timestampMs : undefined;
  const topics = [...new Set(partitions.map(({ topic }) => topic))];
  const found = await watch.readOffsets({ group, topics, startTimestampMs });
  const byTopic = Map.groupBy(found, ({ topic }) => topic);
  const starts: StartOffset[] = [];
  for (const topic of topics) {
    const begun = begunTopic(query, topic, byTopic.get(topic) ?? []);
    for (const one of partitions) if (one.topic === topic) starts.push(startOf(one, begun, initial));
  }
  return starts;
}

interface BegunTopic {
  readonly committed: ReadonlyMap<number, { readonly offset: bigint; readonly metadata: string }>;
  /** All that there are. */
  readonly partitions: ReadonlyMap<number, PartitionOffsets>;
  /** How many there were when the group began, 0 for a topic that came later; undefined where it has not, or nothing tells. */
  readonly before: number | undefined;
}

function begunTopic(
  { isLater, isAgain, isVoid }: StartOffsetsQuery,
  topic: string,
  found: readonly PartitionOffsets[],
): BegunTopic {
  const committed = new Map<number, { offset: bigint; metadata: string }>();
  let before: number | undefined;
  for (const { partition, committed: known } of found) {
    if (known === undefined || isVoid({ topic, partition })) continue;
    committed.set(partition, known);
    const then = decodeMark(known.offset, known.metadata).partitions;
    if (then !== undefined) before = Math.min(then, before ?? then);
  }
  if (isAgain(topic) || (before === undefined && isLater(topic))) before = 0;
  return { committed, partitions: new Map(found.map((one) => [one.partition, one])), before };
}

function startOf(
  { topic, partition }: TopicPartition,
  { committed, partitions, before }: BegunTopic,
  initial: InitialOffset,
): StartOffset {
  const known = committed.get(partition);
  const range = partitions.get(partition);
  if (range === undefined)
    throw new Error(`Kafka does not say where ${partitionName({ topic, partition })} begins and ends`);
  const isNew = before !== undefined && partition >= before;
  const offset = known?.offset ?? (isNew ? range.logStart : initialOffset(range, initial));
  const mark = decodeMark(offset, known?.metadata ?? '');
  const metadata =
    known !== undefined && mark.partitions !== undefined
      ? known.metadata
      : encodeMark(offset, { ...mark, partitions: before === 0 ? 0 : partitions.size });
  return { topic, partition, offset, metadata, found: known && progressText(known) };
}

function initialOffset(
  { logStart, end, atStartTimestamp }: PartitionOffsets,
  initial: InitialOffset,
): bigint {
  if (initial === 'latest') return end;
  return initial === 'earliest' ? logStart : (atStartTimestamp ?? end);
}
