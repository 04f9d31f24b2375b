// SourceReady: the topics exist, their partitions are assigned to gateways, and the group has committed offsets for them.
import { errorTable } from '../../core/contract/errors.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { Condition } from '../../core/resources/trigger-status.ts';
import { conditionFalse, conditionUnknown, conditionTrue } from './condition-state.ts';
import type { ConditionState, KafkaState, ReadFailure } from './observed-state.ts';

/** Grace period, in ms: a ready trigger stays ready through a rebalance or a rollout of the gateways that is shorter. */
export const graceMs = 30_000;

export function sourceCondition(
  { suspend, source }: Subscription,
  kafka: KafkaState | undefined,
  before: Pick<Condition, 'status' | 'reason' | 'message'> | undefined,
  nowMs: number,
): ConditionState {
  if (suspend)
    return conditionFalse(
      'Suspended',
      'Nothing is read or delivered while spec.suspend is true: set it to false to go on.',
    );
  if (kafka === undefined)
    return conditionUnknown('NotCheckedYet', 'Kafka is being asked; this passes in seconds.');
  const state = evaluate(source, kafka);
  const since = kafka.unreadySinceMs;
  const isBrief = since !== undefined && nowMs - since < graceMs;
  if (state.status !== 'True' && isBrief && kafka.source.kind === 'read' && before?.status === 'True')
    return { status: before.status, reason: before.reason, message: before.message };
  return state;
}

function evaluate(
  { topics, topicPattern, consumerGroup }: Subscription['source'],
  kafka: KafkaState,
): ConditionState {
  const { source, group } = kafka;
  if (source.kind === 'failed') return readFailure(source);
  if (source.partitions === 0) {
    const message = `No topic matches ${topicPattern ?? topics.join(', ')}: create one; it is read by itself as soon as it exists.`;
    return conditionFalse('NoTopicMatches', message);
  }
  if (group.kind === 'failed') return readFailure(group);
  if (group.members === 0) {
    const message = `No gateway is in the group ${consumerGroup}: check that the gateway runs (kubectl get pods), and its log.`;
    return conditionFalse('NoGateway', message);
  }
  if (group.rebalancing) {
    const message = `The gateways in the group ${consumerGroup} share its partitions out anew; where that lasts, see their log.`;
    return conditionFalse('Rebalancing', message);
  }
  const share = (count: number): string => `${count} of ${source.partitions} partitions`;
  if (group.assigned < source.partitions) {
    const message = `Gateways of the group ${consumerGroup} have ${share(group.assigned)}; where that lasts, see their log.`;
    return conditionFalse('PartitionsUnassigned', message);
  }
  if (source.committed < source.partitions) {
    const message = `The group ${consumerGroup} has offsets for ${share(source.committed)}; where that lasts, see the log of the gateway.`;
    return conditionFalse('OffsetsMissing', message);
  }
  return conditionTrue('Consuming', `Gateways have all ${source.partitions} partitions.`);
}

function readFailure({ code, message }: ReadFailure): ConditionState {
  const reasons: Partial<Record<ReadFailure['code'], string>> = {
    MILLRACE_TOPIC_MISSING: 'TopicMissing',
    MILLRACE_KAFKA_UNREACHABLE: 'KafkaUnreachable',
    MILLRACE_KAFKA_UNAUTHENTICATED: 'KafkaUnauthenticated',
    MILLRACE_KAFKA_FORBIDDEN: 'KafkaForbidden',
    MILLRACE_ADDRESS_REFUSED: 'AddressRefused',
    MILLRACE_CREDENTIALS_UNUSABLE: 'CredentialsUnusable',
    MILLRACE_KUBERNETES_FORBIDDEN: 'SecretForbidden',
  };
  return conditionFalse(reasons[code] ?? 'KafkaFailed', `${message}. ${errorTable[code]}`);
}
