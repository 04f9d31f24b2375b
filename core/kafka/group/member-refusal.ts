// Why a member of a group cannot work, where kafkajs keeps it to itself: it says that there is no coordinator where our user may not
// know of the group or the transactional id, and names no topic that may not be read.
import { MillraceError } from '../../contract/errors.ts';
import type { OffsetConnections } from '../connection/broker-connections.ts';
import { failureOf } from '../offsets/offset-failures.ts';
import { findCoordinatorsRequest, type CoordinatorKind } from '../connection/wire-requests.ts';
import { topicsForbidden } from '../connection/security-errors.ts';
import type { TopicWatch } from '../fetch/topic-watch.ts';
import { unreadableIn } from '../fetch/find-topics.ts';

/** `ask` rejects with MILLRACE_KAFKA_FORBIDDEN where there is a coordinator, but not for our user; whatever else it finds does not count. */
export async function explainCoordinator(error: unknown, ask: () => Promise<unknown>): Promise<unknown> {
  if (!hasNoCoordinator(error)) return error;
  try {
    await ask();
  } catch (refusal) {
    if (refusal instanceof MillraceError && refusal.code === 'MILLRACE_KAFKA_FORBIDDEN') return refusal;
  }
  return error;
}

/** `topics` were to be read: where that is forbidden, those are named of which Kafka says so, and else all of them. */
export async function explainRead(
  error: unknown,
  topics: readonly string[],
  watch: Pick<TopicWatch, 'look'>,
): Promise<unknown> {
  if (!mayNotRead(error)) return error;
  const snapshot = await watch.look(topics).catch(() => undefined);
  const unreadable = snapshot === undefined ? [] : unreadableIn(snapshot, topics);
  return topicsForbidden('read', unreadable.length === 0 ? topics : unreadable);
}

/** Rejects with MILLRACE_KAFKA_FORBIDDEN where our user may not know of `name`. */
export async function askForCoordinator(
  connections: OffsetConnections,
  kind: CoordinatorKind,
  name: string,
): Promise<void> {
  const limitMs = 5_000;
  const request = findCoordinatorsRequest([name], kind);
  const [found] = await connections.sendToAny(request, performance.now() + limitMs);
  const failure = failureOf(found?.errorCode ?? 0, `coordinator of ${kind} ${name}`);
  if (failure !== undefined) throw failure.error;
}

function hasNoCoordinator(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'KafkaJSGroupCoordinatorNotFound' || hasNoCoordinator(error.cause);
}

function mayNotRead(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('type' in error && error.type === 'TOPIC_AUTHORIZATION_FAILED') || mayNotRead(error.cause);
}
