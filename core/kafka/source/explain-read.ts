// Why a member of a group cannot work, where the group names no topic: our user may not read some of them.
import { topicsForbidden } from '../connection/security/security-errors.ts';
import type { TopicWatch } from '../topics/topic-watch.ts';
import { unreadableIn } from '../topics/find-topics.ts';

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

function mayNotRead(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('type' in error && error.type === 'TOPIC_AUTHORIZATION_FAILED') || mayNotRead(error.cause);
}
