// What proves, or disproves, that a committed offset and its progress mark are of the log that is there now (KIP-320). Both may name a leader
// epoch. If the log left that epoch before what they speak of, brokers have lost its end and written another one. If the log has not come
// to that epoch, the topic is another one by the same name. Where none is named, or the epoch is that of the leader, nothing more can be known.
import { isOfLog, markedLog } from '../../contract/marks/progress-mark.ts';
import type { TopicPartition } from '../../contract/record.ts';
import type { Connections } from '../connection/broker-connections.ts';
import { epochEndsRequest } from '../protocol/epoch-ends.ts';
import type { Topology, TopicView } from '../connection/topology.ts';
import { partitionKey, type LedPartition } from './offset-exchange.ts';
import { failureOf, requestFailed, type OffsetFailure } from './offset-failures.ts';
import { committedMark } from './judge-commit.ts';
import { chosen, fill, unanswered, type Plan } from './offset-look-ups.ts';
import type { PartitionOffsets } from './partition-offsets.ts';

export interface EpochSources {
  readonly connections: Connections;
  readonly topology: Topology;
  /** As it was before the commits were read. */
  readonly view: TopicView;
}

/** Fills `log` and `epochEnd` in. Never rejects: a broker that does not answer fails its own partitions. */
export async function lookUpEpochs(
  { connections, topology, view: before }: EpochSources,
  plans: readonly (Plan | OffsetFailure)[],
  answers: (PartitionOffsets[] | OffsetFailure)[],
  deadlineMs: number,
): Promise<void> {
  fill(answers, (offsets) => withLog(offsets, before));
  const doubtful = new Set<string>();
  for (const answer of answers)
    if (Array.isArray(answer)) for (const one of answer) if (isDoubtful(one)) doubtful.add(one.topic);
  // A leader may have been elected since, and a topic created: only what is younger than the commits disproves them.
  const view = await lookAgain(topology, doubtful, deadlineMs);
  if (view !== undefined) fill(answers, (one) => (doubtful.has(one.topic) ? withLog(one, view) : one));
  const asked = new Map<string, EpochQuery>();
  for (const [index, plan] of plans.entries()) {
    const answer = answers[index];
    if (!Array.isArray(answer)) continue;
    const left = answer.filter((offsets) => epochsBehind(offsets) > 0);
    for (const [at, led] of chosen(plan, answer, (offsets) => epochsBehind(offsets) > 0).entries()) {
      const epoch = (left[at] && namedEpoch(left[at])) ?? -1;
      asked.set(queryKey(led, epoch), { led, epoch });
    }
  }
  const ends = await epochEnds(connections, asked.values(), deadlineMs);
  fill(answers, (offsets) => {
    const behind = epochsBehind(offsets);
    if (behind === 0) return offsets;
    const key = queryKey(offsets, namedEpoch(offsets) ?? -1);
    const epochEnd = behind < 0 ? -1n : (ends.get(key) ?? unanswered(`an epoch of ${key}`));
    return typeof epochEnd === 'bigint' ? { ...offsets, epochEnd } : epochEnd;
  });
}

/** Where the log left a leader epoch; -1 where it never had it. Rejects where its leader does not say. */
export async function readEpochEnd(
  { connections, topology }: Omit<EpochSources, 'view'>,
  { topic, partition }: TopicPartition,
  epoch: number,
  deadlineMs: number,
): Promise<bigint> {
  const leader = (await topology.topics(new Set([topic]), deadlineMs)).leaderOf(topic, partition);
  if ('error' in leader) throw leader.error;
  const led = { topic, partition, leader };
  const ends = await epochEnds(connections, [{ led, epoch }], deadlineMs);
  const end = ends.get(queryKey(led, epoch)) ?? unanswered(`epoch ${epoch}`);
  if (typeof end !== 'bigint') throw end.error;
  return end;
}

function withLog(offsets: PartitionOffsets, view: TopicView): PartitionOffsets {
  const { topic, partition } = offsets;
  const epoch = view.leaderEpochOf(topic, partition);
  const log = markedLog(view.idOf(topic), view.clusterId, { epoch, partition });
  return log === undefined ? offsets : { ...offsets, log };
}

/** Whether the topic, or its leader, may be another one than the view says. */
function isDoubtful(offsets: PartitionOffsets): boolean {
  const { committed, log } = offsets;
  if (committed === undefined || log === undefined) return false;
  const marked = committedMark(committed)?.log;
  const isAnother = marked?.cluster === log.cluster && marked.topic !== log.topic;
  return isAnother || epochsBehind(offsets) < 0;
}

/** The epoch by which the commit is judged: that of its mark, where the mark is of this log; else its own. */
function namedEpoch({ committed, log }: PartitionOffsets): number | undefined {
  if (committed === undefined) return undefined;
  const marked = committedMark(committed)?.log;
  return isOfLog(marked, log) ? marked?.epoch : committed.leaderEpoch;
}

/** How far the named epoch is behind that of the leader; 0 where either is unknown. */
function epochsBehind(offsets: PartitionOffsets): number {
  const [now, then] = [offsets.log?.epoch, namedEpoch(offsets)];
  return now === undefined || then === undefined ? 0 : now - then;
}

interface EpochQuery {
  readonly led: LedPartition;
  readonly epoch: number;
}

function queryKey({ topic, partition }: { topic: string; partition: number }, epoch: number): string {
  return `${partitionKey(topic, partition)}@${epoch}`;
}

async function lookAgain(
  topology: Topology,
  topics: ReadonlySet<string>,
  deadlineMs: number,
): Promise<TopicView | undefined> {
  if (topics.size === 0) return undefined;
  topology.forgetTopics(topics);
  return topology.topics(topics, deadlineMs).catch(() => undefined);
}

/** Where the logs left the epochs, by `queryKey`. */
async function epochEnds(
  connections: Connections,
  queries: Iterable<EpochQuery>,
  deadlineMs: number,
): Promise<ReadonlyMap<string, bigint | OffsetFailure>> {
  const ends = new Map<string, bigint | OffsetFailure>();
  // A request has one epoch for each partition.
  const rounds: EpochQuery[][] = [];
  const seen = new Map<string, number>();
  for (const query of queries) {
    const key = partitionKey(query.led.topic, query.led.partition);
    const round = seen.get(key) ?? 0;
    seen.set(key, round + 1);
    (rounds[round] ??= []).push(query);
  }
  const shares = rounds.flatMap((round) => [...Map.groupBy(round, ({ led }) => led.leader.nodeId).values()]);
  const requests = shares.map(async (share) => {
    const epochs = new Map<string, Map<number, number>>();
    for (const { led, epoch } of share)
      epochs.set(led.topic, (epochs.get(led.topic) ?? new Map<number, number>()).set(led.partition, epoch));
    const [first] = share;
    if (first === undefined) return;
    try {
      const request = epochEndsRequest(epochs);
      for (const { topic, partition, errorCode, end } of await connections.sendTo(
        first.led.leader,
        request,
        deadlineMs,
      )) {
        const key = queryKey({ topic, partition }, epochs.get(topic)?.get(partition) ?? -1);
        ends.set(key, failureOf(errorCode, `end of an epoch of ${topic}-${partition}`) ?? end);
      }
    } catch (error) {
      for (const { led, epoch } of share) ends.set(queryKey(led, epoch), requestFailed(error));
    }
  });
  await Promise.all(requests);
  return ends;
}
