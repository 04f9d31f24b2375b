// How partitions stand before they are opened, or go on after a join: what the group has committed, and what there is by the names of their topics.
// Any broker, and the coordinator of the group, tell it: whoever leads the partitions is not asked.
import { markedLog } from '../../contract/marks/progress-mark.ts';
import type { TopicPartition } from '../../contract/record.ts';
import type { SourceSettings } from '../../contract/subscription.ts';
import { topicsForbidden } from '../connection/security/security-errors.ts';
import { partitionKey, type Committed, type PartitionKey } from '../offsets/offset-exchange.ts';
import type { OffsetFailure } from '../offsets/offset-failures.ts';
import { begunTopic, type BegunTopic } from '../offsets/start-offsets.ts';
import type { BrokerAddress } from '../protocol/wire-requests.ts';
import { topicsMissing } from '../topics/find-topics.ts';
import type { TopicsSnapshot, TopicWatch } from '../topics/topic-watch.ts';

export interface Standing {
  readonly snapshot: TopicsSnapshot;
  readonly committed: ReadonlyMap<PartitionKey, Committed | OffsetFailure>;
}

/** Rejects where no broker answers, or not the coordinator of the group. */
export async function readStanding(
  { source, watch }: { readonly source: SourceSettings; readonly watch: TopicWatch },
  partitions: readonly TopicPartition[],
): Promise<Standing> {
  const topics = [...new Set(partitions.map(({ topic }) => topic))];
  // The ids before the offsets: of a topic that is created again in between, the next look tells.
  const snapshot = await watch.look(topics);
  const all = topics.flatMap((topic) =>
    Array.from({ length: snapshot.partitionCount(topic) }, (_, partition) => ({ topic, partition })),
  );
  const committed = await watch.committed(source.consumerGroup, [...all, ...partitions]);
  return { snapshot, committed };
}

/** Where to ask where it begins, or why it cannot be opened at present. */
export function placeOf(
  partition: TopicPartition,
  { snapshot, committed }: Standing,
  source: SourceSettings,
): BrokerAddress | { readonly error: unknown } {
  const { topic } = partition;
  const seen = snapshot.topic(topic);
  if (seen.kind === 'missing') return { error: topicsMissing(source, [topic]) };
  if (seen.kind === 'forbidden') return { error: topicsForbidden('describe', [topic]) };
  if (snapshot.isUnreadable(topic)) return { error: topicsForbidden('read', [topic]) };
  const found = committed.get(partitionKey(topic, partition.partition));
  return found !== undefined && 'error' in found ? found : snapshot.leaderOf(partition);
}

export function begunOf(
  topic: string,
  { snapshot, committed }: Standing,
  { isLater, isAgain }: { readonly isLater: boolean; readonly isAgain: boolean },
): BegunTopic {
  const count = snapshot.partitionCount(topic);
  const found = Array.from({ length: count }, (_, partition) =>
    committed.get(partitionKey(topic, partition)),
  );
  const told = found.flatMap((one) => (one === undefined || 'error' in one ? [] : [one]));
  return begunTopic({
    log: markedLog(snapshot.idOf(topic), snapshot.clusterId),
    count,
    committed: told,
    isLater,
    isAgain,
  });
}
