// SourceReady: the topics are there, a gateway has their partitions, and the group has its offsets.
import { errorTable } from '../../core/contract/errors.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { Condition } from '../../core/resources/trigger-status.ts';
import { no, unknown, yes } from './findings.ts';
import type { Finding, KafkaFacts, Unread } from './observed.ts';

/** For so long a group that was whole may rebalance, or its gateways be rolled, before the trigger is not ready. */
export const graceMs = 30_000;

export function sourceCondition(
  { suspend, source }: Subscription,
  kafka: KafkaFacts | undefined,
  before: Pick<Condition, 'status' | 'reason' | 'message'> | undefined,
  nowMs: number,
): Finding {
  if (suspend)
    return no(
      'Suspended',
      'Nothing is read or delivered while spec.suspend is true: set it to false to go on.',
    );
  if (kafka === undefined) return unknown('NotCheckedYet', 'Kafka is being asked; this passes in seconds.');
  const finding = judge(source, kafka);
  const since = kafka.lackingSinceMs;
  const isBrief = since !== undefined && nowMs - since < graceMs;
  if (finding.status !== 'True' && isBrief && kafka.source.kind === 'read' && before?.status === 'True')
    return { status: before.status, reason: before.reason, message: before.message };
  return finding;
}

function judge({ topics, topicPattern, consumerGroup }: Subscription['source'], facts: KafkaFacts): Finding {
  const { source, group } = facts;
  if (source.kind === 'failed') return unread(source);
  if (source.partitions === 0) {
    const message = `No topic matches ${topicPattern ?? topics.join(', ')}: create one; it is read by itself as soon as it exists.`;
    return no('NoTopicMatches', message);
  }
  if (group.kind === 'failed') return unread(group);
  if (group.members === 0) {
    const message = `No gateway is in the group ${consumerGroup}: check that the gateway runs (kubectl get pods), and its log.`;
    return no('NoGateway', message);
  }
  if (group.rebalancing) {
    const message = `The gateways in the group ${consumerGroup} share its partitions out anew; where that lasts, see their log.`;
    return no('Rebalancing', message);
  }
  const share = (count: number): string => `${count} of ${source.partitions} partitions`;
  if (group.assigned < source.partitions) {
    const message = `Gateways of the group ${consumerGroup} have ${share(group.assigned)}; where that lasts, see their log.`;
    return no('PartitionsUnassigned', message);
  }
  if (source.committed < source.partitions) {
    const message = `The group ${consumerGroup} has offsets for ${share(source.committed)}; where that lasts, see the log of the gateway.`;
    return no('OffsetsMissing', message);
  }
  return yes('Consuming', `Gateways have all ${source.partitions} partitions.`);
}

function unread({ code, message }: Unread): Finding {
  const reasons: Partial<Record<Unread['code'], string>> = {
    MILLRACE_TOPIC_MISSING: 'TopicMissing',
    MILLRACE_KAFKA_UNREACHABLE: 'KafkaUnreachable',
    MILLRACE_KAFKA_UNAUTHENTICATED: 'KafkaUnauthenticated',
    MILLRACE_KAFKA_FORBIDDEN: 'KafkaForbidden',
    MILLRACE_ADDRESS_REFUSED: 'AddressRefused',
    MILLRACE_CREDENTIALS_UNUSABLE: 'CredentialsUnusable',
    MILLRACE_KUBERNETES_FORBIDDEN: 'SecretForbidden',
  };
  return no(reasons[code] ?? 'KafkaFailed', `${message}. ${errorTable[code]}`);
}
