// Looks up what a broker has of a partition that it has nothing of at the position, and where reading goes on.
import { encodeMark } from '../../contract/progress-mark.ts';
import type { Assigned } from '../group/assigned-partition.ts';
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
  readonly watch: TopicWatch;
  readonly group: string;
  readonly assigned: Assigned;
  /** Of the topic, as it was opened. */
  readonly id: string | undefined;
}

/** Rejects where Kafka does not answer, or does not know the partition. */
export async function findRange({ watch, group, assigned, id }: RangeQuery): Promise<FoundRange> {
  const { topic, partition, position, lastTimestampMs } = assigned;
  const seen = (await watch.look([topic])).topic(topic);
  if (seen.kind !== 'there') throw new Error(`${topic} is not there at present`);
  const isSameTopic = id === undefined || seen.id === undefined || seen.id === id;
  const ends = await watch.readOffsets({ group, topics: [topic] });
  const range = ends.find((one) => one.partition === partition);
  if (range === undefined) throw new Error(`${topic} has no partition ${partition}`);
  const bounds = { low: range.logStart, high: range.end };
  const decision = decideRange({ ...bounds, position, isSameTopic });
  let offset = position;
  if (decision.kind === 'skip') offset = decision.to;
  else if (decision.kind === 'rewind')
    offset = rewindTo(
      bounds,
      // Where none is as young, all that is there was handed over.
      lastTimestampMs === undefined
        ? undefined
        : ((await watch.offsetAt(assigned, lastTimestampMs)) ?? bounds.high),
    );
  const metadata = encodeMark(offset, { open: [], end: offset, attempts: new Map(), partitions: undefined });
  return { kind: decision.kind, offset, metadata };
}
