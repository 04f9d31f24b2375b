// What goes wrong while offsets are read: which error codes of Kafka pass with fresh metadata, and how each
// is told.
import { describeError, MillraceError } from '../../contract/errors.ts';

/**
 * A failure of one topic, partition or group. `passing`: worth another try with fresh metadata or a fresh
 * coordinator.
 */
export interface OffsetFailure {
  readonly error: MillraceError;
  readonly passing: boolean;
}

// Names and codes of org.apache.kafka.common.protocol.Errors.
const passingCodes: Readonly<Record<number, string>> = {
  3: 'UNKNOWN_TOPIC_OR_PARTITION',
  5: 'LEADER_NOT_AVAILABLE',
  6: 'NOT_LEADER_OR_FOLLOWER',
  7: 'REQUEST_TIMED_OUT',
  9: 'REPLICA_NOT_AVAILABLE',
  13: 'NETWORK_EXCEPTION',
  14: 'COORDINATOR_LOAD_IN_PROGRESS',
  15: 'COORDINATOR_NOT_AVAILABLE',
  16: 'NOT_COORDINATOR',
  56: 'KAFKA_STORAGE_ERROR',
  74: 'FENCED_LEADER_EPOCH',
  75: 'UNKNOWN_LEADER_EPOCH',
  78: 'OFFSET_NOT_AVAILABLE',
  100: 'UNKNOWN_TOPIC_ID',
  103: 'INCONSISTENT_TOPIC_ID',
};
const lastingCodes: Readonly<Record<number, string>> = {
  17: 'INVALID_TOPIC_EXCEPTION',
  24: 'INVALID_GROUP_ID',
  35: 'UNSUPPORTED_VERSION',
};
const rights: Readonly<Record<number, string>> = {
  29: 'TOPIC_AUTHORIZATION_FAILED',
  30: 'GROUP_AUTHORIZATION_FAILED',
  31: 'CLUSTER_AUTHORIZATION_FAILED',
  53: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
};

/** Undefined where `errorCode` is 0, no error. `what` names what was asked: `log start of orders-3`. */
export function failureOf(errorCode: number, what: string): OffsetFailure | undefined {
  if (errorCode === 0) return undefined;
  const right = rights[errorCode];
  if (right !== undefined) {
    const message = `Kafka does not allow our user to ask for the ${what} (${right})`;
    return { error: new MillraceError('MILLRACE_KAFKA_FORBIDDEN', message), passing: false };
  }
  const passing = passingCodes[errorCode];
  const name = passing ?? lastingCodes[errorCode] ?? `error code ${errorCode}`;
  return {
    error: new MillraceError('MILLRACE_KAFKA_FAILED', `Kafka answers ${name} for the ${what}`),
    passing: passing !== undefined,
  };
}

export function topicMissing(topic: string): OffsetFailure {
  return {
    error: new MillraceError('MILLRACE_TOPIC_MISSING', `Topic ${topic} does not exist`),
    passing: false,
  };
}

/** Between the death of a leader and the election of the next. */
export function leaderMissing(topic: string, partition: number): OffsetFailure {
  const message = `Partition ${topic}-${partition} has no leader that Kafka knows an address of`;
  return { error: new MillraceError('MILLRACE_KAFKA_FAILED', message), passing: true };
}

/** A request as a whole went wrong: the broker may be back, or the leader elsewhere, at the next try. */
export function requestFailed(error: unknown): OffsetFailure {
  if (error instanceof MillraceError) return { error, passing: error.code === 'MILLRACE_KAFKA_UNREACHABLE' };
  return {
    error: new MillraceError('MILLRACE_KAFKA_FAILED', describeError(error), { cause: error }),
    passing: false,
  };
}
