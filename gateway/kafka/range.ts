// Looks up what a broker has of a partition that it has nothing of at the position, and where reading goes on.
import type { Admin } from 'kafkajs';
import { encodeMark } from '../contract/progress-mark.ts';
import type { Assigned } from './assigned.ts';
import { decideRange, rewindTo } from './out-of-range.ts';
import type { TopicWatch } from './topic-watch.ts';

export interface FoundRange {
  readonly kind: 'restart' | 'skip' | 'rewind' | 'stay';
  /** Where reading goes on. */
  readonly offset: bigint;
  /** For a commit of `offset`. */
  readonly metadata: string;
}

export interface RangeQuery {
  readonly admin: Admin;
  readonly watch: TopicWatch;
  readonly assigned: Assigned;
  /** Of the topic, as it was opened. */
  readonly id: string | undefined;
}

/** Rejects where Kafka does not answer, or does not know the partition. */
export async function findRange({ admin, watch, assigned, id }: RangeQuery): Promise<FoundRange> {
  const { topic, partition, position, lastTimestampMs } = assigned;
  const seen = (await watch.look([topic])).topic(topic);
  if (seen.kind !== 'there') throw new Error(`${topic} is not there at present`);
  const isSameTopic = id === undefined || seen.id === undefined || seen.id === id;
  const ends = await admin.fetchTopicOffsets(topic);
  const range = ends.find((one) => one.partition === partition);
  if (range === undefined) throw new Error(`${topic} has no partition ${partition}`);
  const bounds = { low: BigInt(range.low), high: BigInt(range.high) };
  const decision = decideRange({ ...bounds, position, isSameTopic });
  let offset = position;
  if (decision.kind === 'skip') offset = decision.to;
  else if (decision.kind === 'rewind')
    offset = rewindTo(bounds, await offsetAt(admin, assigned, lastTimestampMs));
  const metadata = encodeMark(offset, { open: [], end: offset, attempts: new Map(), partitions: undefined });
  return { kind: decision.kind, offset, metadata };
}

async function offsetAt(
  admin: Admin,
  { topic, partition }: Assigned,
  timestampMs: number | undefined,
): Promise<bigint | undefined> {
  if (timestampMs === undefined) return undefined;
  const found = await admin.fetchTopicOffsetsByTimestamp(topic, timestampMs);
  const offset = found.find((one) => one.partition === partition)?.offset;
  return offset === undefined ? undefined : BigInt(offset);
}
