// A group's committed offsets are stable when no transaction is about to change them. Brokers before Kafka 4 apply the commit of
// a transaction a moment after they have said that it is over (KIP-447): who has fenced the last owner waits for that here.
import type { TopicPartition } from '../../contract/record.ts';
import type { Connections } from '../connection/broker-connections.ts';
import { failureOf } from './offset-failures.ts';
import {
  findCoordinatorsRequest,
  offsetFetchRequest,
  type CommittedOffset,
} from '../protocol/wire-requests.ts';
import { sleep } from '../connection/sleep.ts';

const unstableOffsetCommit = 88;
/** Connecting included. */
const limitMs = 15_000;
const delayMs = 20;

/** What is committed of `partitions`, once it is stable; rejects when Kafka does not say so in time. */
export async function readStableOffsets(
  connections: Connections,
  group: string,
  partitions: readonly TopicPartition[],
  signal: AbortSignal,
): Promise<readonly CommittedOffset[]> {
  const deadlineMs = performance.now() + limitMs;
  const topics = new Map<string, Set<number>>();
  for (const { topic, partition } of partitions)
    topics.set(topic, (topics.get(topic) ?? new Set()).add(partition));
  for (;;) {
    const [found] = await connections.sendToAny(findCoordinatorsRequest([group]), deadlineMs);
    if (found === undefined) throw new Error(`Kafka names no coordinator of group ${group}`);
    throwFailure(found.errorCode, `coordinator of group ${group}`);
    const request = offsetFetchRequest(new Map([[group, topics]]), { requireStable: true });
    const [answer] = await connections.sendTo(found.broker, request, deadlineMs);
    const codes = [answer?.errorCode ?? 0, ...(answer?.offsets ?? []).map(({ errorCode }) => errorCode)];
    if (!codes.includes(unstableOffsetCommit) || signal.aborted) {
      for (const code of codes) throwFailure(code, `committed offsets of group ${group}`);
      return answer?.offsets ?? [];
    }
    if (performance.now() + delayMs >= deadlineMs)
      throw new Error(`a transaction of another producer holds committed offsets of group ${group} up`);
    await sleep(delayMs, signal);
  }
}

function throwFailure(errorCode: number, what: string): void {
  const failure = failureOf(errorCode, what);
  if (failure !== undefined) throw failure.error;
}
