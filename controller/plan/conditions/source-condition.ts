// SourceReady: the topics exist, their partitions are assigned to gateways, and the group has committed offsets for them.
import { errorTable } from '../../../core/contract/errors.ts';
import type { Subscription } from '../../../core/contract/subscription.ts';
import type { Condition } from '../../../core/resources/trigger-status.ts';
import { conditionFalse, conditionUnknown, conditionTrue } from './condition-state.ts';
import type { ConditionState, KafkaState, ReadFailure } from '../observed-state.ts';
import type { Reason } from './reasons.ts';

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
      'Nothing is read or delivered while spec.suspend is true. Set it to false to continue.',
    );
  if (kafka === undefined)
    return conditionUnknown('NotCheckedYet', 'Kafka has not been asked yet. This passes within seconds.');
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
    const message = `No topic matches ${topicPattern ?? topics.join(', ')}: create one. The trigger reads it as soon as it exists.`;
    return conditionFalse('NoTopicMatches', message);
  }
  if (group.kind === 'failed') return readFailure(group);
  if (group.members === 0) {
    const message = `No gateway is in the consumer group ${consumerGroup}. Check that the gateway runs (kubectl get pods), and read its log.`;
    return conditionFalse('NoGateway', message);
  }
  if (group.rebalancing) {
    const message = `The consumer group ${consumerGroup} is rebalancing. If this lasts, see the log of the gateways.`;
    return conditionFalse('Rebalancing', message);
  }
  const share = (count: number): string => `${count} of ${source.partitions} partitions`;
  if (group.assigned < source.partitions) {
    const message = `Only ${share(group.assigned)} are assigned to gateways in the consumer group ${consumerGroup}. If this lasts, see the log of the gateways.`;
    return conditionFalse('PartitionsUnassigned', message);
  }
  if (source.committed < source.partitions) {
    const message = `The consumer group ${consumerGroup} has committed offsets for only ${share(source.committed)}. If this lasts, see the log of the gateways.`;
    return conditionFalse('OffsetsMissing', message);
  }
  return conditionTrue('Consuming', `All ${source.partitions} partitions are assigned to gateways.`);
}

function readFailure({ code, message }: ReadFailure): ConditionState {
  const reasons: Partial<Record<ReadFailure['code'], Reason>> = {
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
