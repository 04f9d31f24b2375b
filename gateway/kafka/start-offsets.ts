// Where a group starts to read: where it stands; where it has no offset, at the initial offset, which is committed before
// anything else, so that nothing produced from then on is missed.
import type { Admin } from 'kafkajs';
import type { PartitionProgress } from '../contract/ports.ts';
import { decodeMark, encodeMark } from '../contract/progress-mark.ts';
import { partitionName, type TopicPartition } from '../contract/record.ts';
import type { InitialOffset } from '../contract/subscription.ts';

export interface StartOffset extends PartitionProgress {
  /** What the group has committed, text for text; undefined where it has nothing: `offset` is the initial one then. */
  readonly found: string | undefined;
}

export interface StartOffsetsQuery {
  readonly admin: Admin;
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
  const { admin, groupId, partitions } = query;
  const topics = [...new Set(partitions.map(({ topic }) => topic))];
  const begun = new Map<string, BegunTopic>();
  for (const { topic, partitions: offsets } of await admin.fetchOffsets({ groupId, topics })) {
    begun.set(topic, begunTopic(query, topic, offsets));
  }
  const starts: StartOffset[] = [];
  for (const topic of topics) {
    const of = begun.get(topic) ?? begunTopic(query, topic, []);
    const mine = partitions.filter((one) => one.topic === topic);
    const missing = mine.filter(({ partition }) => !of.committed.has(partition));
    const initial = missing.length === 0 ? undefined : await readInitialOffsets(query, topic, of);
    for (const { partition } of mine) starts.push(startOf({ topic, partition }, of, initial));
  }
  return starts;
}

interface BegunTopic {
  readonly committed: ReadonlyMap<number, { readonly offset: bigint; readonly metadata: string }>;
  /** How many partitions there are. */
  readonly count: number;
  /** How many there were when the group began, 0 for a topic that came later; undefined where it has not, or nothing tells. */
  readonly before: number | undefined;
}

function begunTopic(
  { isLater, isAgain, isVoid }: StartOffsetsQuery,
  topic: string,
  offsets: readonly { partition: number; offset: string; metadata: string | null }[],
): BegunTopic {
  const committed = new Map<number, { offset: bigint; metadata: string }>();
  let before: number | undefined;
  for (const { partition, offset: text, metadata } of offsets) {
    const offset = BigInt(text);
    if (offset < 0n || isVoid({ topic, partition })) continue;
    committed.set(partition, { offset, metadata: metadata ?? '' });
    const then = decodeMark(offset, metadata ?? '').partitions;
    if (then !== undefined) before = Math.min(then, before ?? then);
  }
  if (isAgain(topic) || (before === undefined && isLater(topic))) before = 0;
  return { committed, count: offsets.length, before };
}

function startOf(
  { topic, partition }: TopicPartition,
  { committed, count, before }: BegunTopic,
  initial: ReadonlyMap<number, bigint> | undefined,
): StartOffset {
  const known = committed.get(partition);
  const offset = known?.offset ?? initial?.get(partition);
  if (offset === undefined)
    throw new Error(`Kafka does not say where ${partitionName({ topic, partition })} begins and ends`);
  const mark = decodeMark(offset, known?.metadata ?? '');
  const metadata =
    known !== undefined && mark.partitions !== undefined
      ? known.metadata
      : encodeMark(offset, { ...mark, partitions: before === 0 ? 0 : count });
  return { topic, partition, offset, metadata, found: known && progressText(known) };
}

async function readInitialOffsets(
  { admin, initial }: StartOffsetsQuery,
  topic: string,
  { before }: BegunTopic,
): Promise<Map<number, bigint>> {
  const ends = await admin.fetchTopicOffsets(topic);
  const found =
    typeof initial === 'object' ? await admin.fetchTopicOffsetsByTimestamp(topic, initial.timestampMs) : [];
  const byTime = new Map(found.map(({ partition, offset }) => [partition, offset]));
  return new Map(
    ends.map(({ partition, low, high }) => {
      const isNew = before !== undefined && partition >= before;
      const wanted = initial === 'latest' ? high : initial === 'earliest' ? low : byTime.get(partition);
      return [partition, BigInt(isNew ? low : (wanted ?? high))];
    }),
  );
}
