// Looks up what a broker has of a partition that it has nothing of at the position, and where reading goes on.
import { emptyMark, encodeMark } from '../../contract/marks/progress-mark.ts';
import type { Assigned } from './assigned-partition.ts';
import type { SourceSettings } from '../../contract/subscription.ts';
import { decideRange, rewindTo, type RangeDecision } from './out-of-range.ts';
import type { TopicWatch } from '../topics/topic-watch.ts';

export interface FoundRange {
  readonly kind: RangeDecision['kind'];
  /** Where reading goes on. */
  readonly offset: bigint;
  /** For a commit of `offset`. */
  readonly metadata: string;
  /** Of the leader that has told this. */
  readonly leaderEpoch: number | undefined;
}

export interface RangeQuery {
  readonly watch: TopicWatch;
  readonly source: SourceSettings;
  readonly assigned: Assigned;
  /** Of the topic, as it was opened. */
  readonly id: string | undefined;
  /** See `RangeFound`. */
  readonly wasInRange: boolean;
}

/** Rejects where Kafka does not answer, or does not know the partition. */
export async function findRange(query: RangeQuery): Promise<FoundRange> {
  const { watch, source, assigned, id, wasInRange } = query;
  const { topic, partition, position } = assigned;
  const idNow = (await watch.look([topic])).idOf(topic);
  const isSameTopic = id === undefined || idNow === undefined || idNow === id;
  const asked = { group: source.consumerGroup, topics: [topic], partitions: [partition] };
  const [ends] = await watch.readOffsets([asked]);
  if (ends?.kind !== 'read') throw ends?.error ?? new Error('no answer');
  const [range] = ends.partitions;
  if (range === undefined) throw new Error(`${topic} has no partition ${partition}`);
  const bounds = { low: range.logStart, high: range.end };
  const { log } = range;
  const left = await leftAt(query, log?.epoch);
  const decision = decideRange({ ...bounds, position, isSameTopic, wasInRange, left });
  let offset = position;
  if (decision.kind === 'skip') offset = decision.to;
  else if (decision.kind === 'reset') offset = await initialOffsetIn(bounds, query);
  else if (decision.kind === 'rewind') offset = left ?? rewindTo(bounds, await atLast(query, bounds.high));
  if (offset < bounds.low) offset = bounds.low;
  const metadata = encodeMark(offset, { ...emptyMark(offset), log });
  return { kind: decision.kind, offset, metadata, leaderEpoch: log?.epoch };
}

/** Where the log left the epoch in which it held what was read, if that is before the position (KIP-320). */
async function leftAt(
  { watch, assigned }: RangeQuery,
  epochNow: number | undefined,
): Promise<bigint | undefined> {
  const { leaderEpoch: epoch, position } = assigned;
  if (epoch === undefined || epochNow === undefined || epochNow <= epoch) return undefined;
  const end = await watch.epochEnd(assigned, epoch);
  return end >= 0n && end < position ? end : undefined;
}

async function atLast({ watch, assigned }: RangeQuery, high: bigint): Promise<bigint | undefined> {
  const { lastTimestampMs } = assigned;
  if (lastTimestampMs === undefined) return undefined;
  // Where none is as young, all that is there was handed over.
  return (await watch.offsetAt(assigned, lastTimestampMs)) ?? high;
}

/** As Kafka's `auto.offset.reset`: what the group has committed is of another log by this name. */
async function initialOffsetIn(
  { low, high }: { readonly low: bigint; readonly high: bigint },
  { watch, source: { initialOffset }, assigned }: RangeQuery,
): Promise<bigint> {
  if (initialOffset === 'earliest') return low;
  if (initialOffset === 'latest') return high;
  return (await watch.offsetAt(assigned, initialOffset.timestampMs)) ?? high;
}
