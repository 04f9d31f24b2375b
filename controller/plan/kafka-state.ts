// Kafka's answers → the Kafka state of one trigger.
import type { Subscription } from '../../core/contract/subscription.ts';
import type { GroupState } from '../../core/kafka/group/group-states.ts';
import type { OffsetsResult } from '../../core/kafka/offsets/partition-offsets.ts';
import type { KafkaState, StoreTopic, ReadFailure } from './observed-state.ts';

export interface KafkaAnswers {
  readonly source: OffsetsResult;
  readonly group: GroupState;
  readonly backlog: bigint | undefined;
  /** The topics that the trigger stores to, by name. */
  readonly stores: ReadonlyMap<string, OffsetsResult>;
}

/** The topics that `subscription` stores to. */
export function storeTopicsOf({ delivery, reply }: Subscription): Pick<StoreTopic, 'what' | 'topic'>[] {
  const { deadLetter } = delivery;
  return [
    ...(deadLetter === undefined ? [] : [{ what: 'dead letters' as const, topic: deadLetter.topic }]),
    ...(reply === undefined ? [] : [{ what: 'replies' as const, topic: reply.topic }]),
  ];
}

/** `before` is the state that the last poll found. */
export function kafkaStateOf(
  subscription: Subscription,
  answers: KafkaAnswers,
  before: KafkaState | undefined,
  nowMs: number,
): KafkaState {
  const source = sourceState(answers.source);
  const group = groupState(answers);
  const isReady =
    source.kind === 'read' &&
    group.kind === 'read' &&
    group.assigned >= source.partitions &&
    source.committed >= source.partitions &&
    !group.rebalancing;
  return {
    source,
    group,
    unreadySinceMs: isReady ? undefined : (before?.unreadySinceMs ?? nowMs),
    backlog: answers.backlog,
    stores: storeTopicsOf(subscription).map((store) => ({
      ...store,
      state: topicState(answers.stores.get(store.topic)),
    })),
  };
}

function sourceState(result: OffsetsResult): KafkaState['source'] {
  if (result.kind === 'failed') return readFailure(result.error);
  const committed = result.partitions.filter((partition) => partition.committed !== undefined);
  return { kind: 'read', partitions: result.partitions.length, committed: committed.length };
}

function groupState({ source, group }: KafkaAnswers): KafkaState['group'] {
  if (group.kind === 'failed') return readFailure(group.error);
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

function readFailure({ code, message }: { code: ReadFailure['code']; message: string }): ReadFailure {
  return { kind: 'failed', code, message };
}

function topicState(result: OffsetsResult | undefined): StoreTopic['state'] {
  if (result === undefined) return 'unknown';
  if (result.kind === 'read') return 'exists';
  switch (result.error.code) {
    case 'MILLRACE_TOPIC_MISSING':
      return 'missing';
    case 'MILLRACE_KAFKA_FORBIDDEN':
      return 'forbidden';
    default:
      return 'unknown';
  }
}
