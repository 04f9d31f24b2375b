// What the coordinator of a group answers to its members, by either protocol, and what it means to us.
import { MillraceError, type ErrorCode } from '../../../contract/errors.ts';
import { topicsForbidden } from '../../connection/security/security-errors.ts';
import type { CommitAnswer } from './offset-commit-request.ts';

/**
 * `passing`: the coordinator is elsewhere, or not ready; another try may find it. `fenced`: the group does without this member, or not as what it
 * says to be. `stale`: its generation, or epoch, has moved.
 */
export type RefusalKind = 'passing' | 'fenced' | 'stale' | 'final';

interface Refusal {
  readonly type: string;
  /** Final, when absent. */
  readonly kind?: RefusalKind;
  /** What a user can do about it, where it is up to users. */
  readonly remedy?: (group: string) => string;
}

/** Names and codes of org.apache.kafka.common.protocol.Errors, as far as a member is answered with them. */
const refusals: Readonly<Record<number, Refusal>> = {
  [-1]: { type: 'UNKNOWN_SERVER_ERROR', kind: 'passing' },
  3: { type: 'UNKNOWN_TOPIC_OR_PARTITION' },
  7: { type: 'REQUEST_TIMED_OUT', kind: 'passing' },
  12: { type: 'OFFSET_METADATA_TOO_LARGE' },
  13: { type: 'NETWORK_EXCEPTION', kind: 'passing' },
  14: { type: 'COORDINATOR_LOAD_IN_PROGRESS', kind: 'passing' },
  15: { type: 'COORDINATOR_NOT_AVAILABLE', kind: 'passing' },
  16: { type: 'NOT_COORDINATOR', kind: 'passing' },
  22: { type: 'ILLEGAL_GENERATION', kind: 'stale' },
  23: {
    type: 'INCONSISTENT_GROUP_PROTOCOL',
    remedy: (group) =>
      `the consumer group ${group} has members that are not Millrace, or of a release with another assignor: stop them, or give the trigger another \`consumerGroup\``,
  },
  24: {
    type: 'INVALID_GROUP_ID',
    remedy: (group) =>
      `Kafka takes no consumer group by the name "${group}": give the trigger another \`consumerGroup\``,
  },
  25: { type: 'UNKNOWN_MEMBER_ID', kind: 'fenced' },
  26: {
    type: 'INVALID_SESSION_TIMEOUT',
    remedy: (group) =>
      `the brokers refuse the session timeout of 10 s for the consumer group ${group}: set group.min.session.timeout.ms to 10000 or less, and group.max.session.timeout.ms to 10000 or more`,
  },
  27: { type: 'REBALANCE_IN_PROGRESS' },
  28: { type: 'INVALID_COMMIT_OFFSET_SIZE' },
  29: { type: 'TOPIC_AUTHORIZATION_FAILED' },
  30: { type: 'GROUP_AUTHORIZATION_FAILED' },
  35: {
    type: 'UNSUPPORTED_VERSION',
    remedy: (group) =>
      `the brokers do not have the consumer protocol, or have it switched off, which the consumer group ${group} is to use: set groupProtocol to auto or classic`,
  },
  42: { type: 'INVALID_REQUEST' },
  69: {
    type: 'GROUP_ID_NOT_FOUND',
    remedy: (group) =>
      `members of the classic protocol are in the consumer group ${group}: stop them, or set groupProtocol to auto, which joins as they did`,
  },
  79: { type: 'MEMBER_ID_REQUIRED' },
  81: {
    type: 'GROUP_MAX_SIZE_REACHED',
    remedy: (group) =>
      `the consumer group ${group} has as many members as the brokers allow: raise group.max.size (with the consumer protocol group.consumer.max.size), or run fewer gateways`,
  },
  82: { type: 'FENCED_INSTANCE_ID', kind: 'fenced' },
  110: { type: 'FENCED_MEMBER_EPOCH', kind: 'fenced' },
  // Also static members may be in the group; ours have no instance ids, and meet none of theirs.
  111: { type: 'UNRELEASED_INSTANCE_ID' },
  112: {
    type: 'UNSUPPORTED_ASSIGNOR',
    remedy: (group) =>
      `the brokers lack the assignor that the consumer group ${group} is to use: see group.consumer.assignors`,
  },
  113: { type: 'STALE_MEMBER_EPOCH', kind: 'stale' },
};

export function refusalKindOf(errorCode: number): RefusalKind {
  return refusals[errorCode]?.kind ?? 'final';
}

/** `type` is Kafka's name for it. */
export class GroupError extends MillraceError {
  readonly type: string;

  constructor(code: ErrorCode, type: string, message: string) {
    super(code, message);
    this.type = type;
  }
}

/** `errorCode` is not 0. `said`: what the broker says to it. */
export function groupError(errorCode: number, group: string, said = ''): GroupError {
  const { type, remedy } = refusals[errorCode] ?? { type: `error code ${errorCode}` };
  const details = said === '' ? type : `${type}: ${said}`;
  if (type === 'GROUP_AUTHORIZATION_FAILED') {
    const message = `Kafka does not allow our user to read the consumer group "${group}" (${details})`;
    return new GroupError('MILLRACE_KAFKA_FORBIDDEN', type, message);
  }
  if (type === 'TOPIC_AUTHORIZATION_FAILED') {
    const message = `Kafka does not allow our user to describe and read each topic of the consumer group "${group}" (${details})`;
    return new GroupError('MILLRACE_KAFKA_FORBIDDEN', type, message);
  }
  if (remedy !== undefined)
    return new GroupError('MILLRACE_KAFKA_GROUP_REFUSED', type, `${remedy(group)} (${details})`);
  return new GroupError(
    'MILLRACE_KAFKA_FAILED',
    type,
    `Kafka answers ${details} for the consumer group ${group}`,
  );
}

/** Why a commit was not taken; undefined where all of it was. */
export function commitFailure(answers: readonly CommitAnswer[], group: string): MillraceError | undefined {
  const refused = answers.filter(({ errorCode }) => errorCode !== 0);
  const [first] = refused;
  if (first === undefined) return undefined;
  if (refusals[first.errorCode]?.type !== 'TOPIC_AUTHORIZATION_FAILED')
    return groupError(first.errorCode, group);
  const topics = refused.filter(({ errorCode }) => errorCode === first.errorCode);
  return topicsForbidden('read', [...new Set(topics.map(({ topic }) => topic))]);
}
