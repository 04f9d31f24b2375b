// What Kafka's answers mean for one trigger.
import type { Subscription } from '../../core/contract/subscription.ts';
import type { GroupState } from '../../core/kafka/group/group-states.ts';
import type { OffsetsResult } from '../../core/kafka/offsets/offsets-reader.ts';
import type { KafkaFacts, StoreFact, Unread } from './observed.ts';

export interface KafkaAnswers {
  readonly source: OffsetsResult;
  readonly group: GroupState;
  readonly backlog: bigint | undefined;
  /** By topic, of those that the trigger stores to. */
  readonly stores: ReadonlyMap<string, OffsetsResult>;
}

/** The topics that `subscription` stores to. */
export function storesOf({ delivery, reply }: Subscription): Pick<StoreFact, 'what' | 'topic'>[] {
  const { deadLetter } = delivery;
  return [
    ...(deadLetter === undefined ? [] : [{ what: 'dead letters' as const, topic: deadLetter.topic }]),
    ...(reply === undefined ? [] : [{ what: 'replies' as const, topic: reply.topic }]),
  ];
}

/** `before` is what was known of the trigger at the last look. */
export function factsOf(
  subscription: Subscription,
  answers: KafkaAnswers,
  before: KafkaFacts | undefined,
  nowMs: number,
): KafkaFacts {
  const source = sourceFacts(answers.source);
  const group = groupFacts(answers);
  const isWhole =
    source.kind === 'read' &&
    group.kind === 'read' &&
    group.assigned >= source.partitions &&
    source.committed >= source.partitions &&
    !group.rebalancing;
  return {
    source,
    group,
    lackingSinceMs: isWhole ? undefined : (before?.lackingSinceMs ?? nowMs),
    backlog: answers.backlog,
    stores: storesOf(subscription).map((store) => ({
      ...store,
      state: stateOf(answers.stores.get(store.topic)),
    })),
  };
}

function sourceFacts(result: OffsetsResult): KafkaFacts['source'] {
  if (result.kind === 'failed') return unread(result.error);
  const committed = result.partitions.filter((partition) => partition.committed !== undefined);
  return { kind: 'read', partitions: result.partitions.length, committed: committed.length };
}

function groupFacts({ source, group }: KafkaAnswers): KafkaFacts['group'] {
  if (group.kind === 'failed') return unread(group.error);
  const assigned = new Set(
    group.members.flatMap(({ partitions }) =>
      [...partitions].flatMap(([topic, ids]) => ids.map((id) => `${topic}/${id}`)),
    ),
  );
  const ofSource =
    source.kind === 'failed'
      ? []
      : source.partitions.filter(({ topic, partition }) => assigned.has(`${topic}/${partition}`));
  return {
    kind: 'read',
    members: group.members.length,
    assigned: ofSource.length,
    rebalancing: group.rebalancing,
  };
}

function unread({ code, message }: { code: Unread['code']; message: string }): Unread {
  return { kind: 'failed', code, message };
}

function stateOf(result: OffsetsResult | undefined): StoreFact['state'] {
  if (result === undefined) return 'unknown';
  if (result.kind === 'read') return 'there';
  switch (result.error.code) {
    case 'MILLRACE_TOPIC_MISSING':
      return 'missing';
    case 'MILLRACE_KAFKA_FORBIDDEN':
      return 'forbidden';
    default:
      return 'unknown';
  }
}
