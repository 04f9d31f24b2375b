// A commit of several topics, of which the group may refuse one: the others are not kept by it.
import { MillraceError } from '../../contract/errors.ts';
import type { PartitionProgress } from '../../contract/record-source.ts';

/** Resolves with why it was refused, by topic. Rejects where that is not up to a topic. */
export async function commitByTopic(
  progress: readonly PartitionProgress[],
  commit: (some: readonly PartitionProgress[]) => Promise<void>,
): Promise<ReadonlyMap<string, unknown>> {
  const refused = new Map<string, unknown>();
  try {
    await commit(progress);
  } catch (error) {
    if (!isOfTopic(error)) throw error;
    const byTopic = Map.groupBy(progress, ({ topic }) => topic);
    for (const [topic, some] of byTopic)
      if (byTopic.size === 1) refused.set(topic, error);
      else await commit(some).catch((refusal: unknown) => refused.set(topic, refusal));
  }
  return refused;
}

function isOfTopic(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const type = 'type' in error ? error.type : undefined;
  if (type === 'TOPIC_AUTHORIZATION_FAILED' || type === 'UNKNOWN_TOPIC_OR_PARTITION') return true;
  return error instanceof MillraceError && error.code === 'MILLRACE_KAFKA_FORBIDDEN';
}
