// Asks one Kafka cluster for the state of some of its triggers: their topics and rights, their groups, and their backlogs.
import { describeError, MillraceError } from '../core/contract/errors.ts';
import type { Subscription } from '../core/contract/subscription.ts';
import type { TopicRight } from '../core/kafka/connection/topology.ts';
import type { OffsetsQuery, OffsetsResult } from '../core/kafka/offsets/partition-offsets.ts';
import type { ClustersReader } from '../core/kafka/offsets/offsets-of-clusters.ts';
import { kafkaStateOf, storeTopicsOf } from './plan/kafka-state.ts';
import type { KafkaState } from './plan/observed-state.ts';

export interface AskedTrigger {
  readonly subscription: Subscription;
  /** What was found the last time. */
  readonly before: KafkaState | undefined;
}

/** One state for each of `asked`, in their order; undefined where Kafka's answer left it out. Never rejects. */
export async function askKafka(
  kafka: Pick<ClustersReader, 'read' | 'readGroups'>,
  backlog: (key: string) => Promise<bigint>,
  asked: readonly AskedTrigger[],
  now: () => number,
): Promise<(KafkaState | undefined)[]> {
  const [sources, groups, backlogs] = await Promise.all([
    readAll(
      kafka,
      asked.flatMap(({ subscription }) => queriesOf(subscription)),
    ),
    kafka.readGroups(
      asked.map(({ subscription: { source } }) => ({ group: source.consumerGroup, access: source.access })),
    ),
    Promise.all(asked.map(({ subscription: { key } }) => backlog(key).catch(() => undefined))),
  ]);
  const nowMs = now();
  let at = 0;
  return asked.map(({ subscription, before }, index) => {
    const topics = storeTopicsOf(subscription);
    const [source, ...stored] = sources.slice(at, (at += 1 + topics.length));
    const group = groups[index];
    if (source === undefined || group === undefined) return undefined;
    const stores = new Map(topics.flatMap(({ topic }, place) => entry(topic, stored[place])));
    return kafkaStateOf(subscription, { source, group, backlog: backlogs[index], stores }, before, nowMs);
  });
}

function entry<V>(topic: string, value: V | undefined): [string, V][] {
  return value === undefined ? [] : [[topic, value]];
}

/**
 * First the source, then each topic that the trigger stores to. The rights are checked only where a KafkaCluster names the user: the gateway
 * connects as that user too. On the installation's own cluster, the gateway may connect as another user than the scaler.
 */
function queriesOf(subscription: Subscription): OffsetsQuery[] {
  const { access, topics, topicPattern, consumerGroup: group } = subscription.source;
  const needing = (right: TopicRight): Pick<OffsetsQuery, 'access' | 'group' | 'right'> =>
    access === undefined ? { group } : { access, group, right };
  const stores = storeTopicsOf(subscription).map(({ topic }) => ({ ...needing('write'), topics: [topic] }));
  return [{ ...needing('read'), topics, topicPattern }, ...stores];
}

async function readAll(
  kafka: Pick<ClustersReader, 'read'>,
  queries: readonly OffsetsQuery[],
): Promise<OffsetsResult[]> {
  try {
    return await kafka.read(queries);
  } catch (cause) {
    const error =
      cause instanceof MillraceError
        ? cause
        : new MillraceError('MILLRACE_KAFKA_FAILED', describeError(cause), { cause });
    return queries.map(() => ({ kind: 'failed', error }));
  }
}
