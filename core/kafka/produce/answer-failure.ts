// What a broker answers to a producer where it does not do what was asked: Kafka's name of it, and our words.
import { MillraceError } from '../../contract/errors.ts';

/** org.apache.kafka.common.protocol.Errors, as far as producers meet them. */
const names = {
  [-1]: 'UNKNOWN_SERVER_ERROR',
  2: 'CORRUPT_MESSAGE',
  3: 'UNKNOWN_TOPIC_OR_PARTITION',
  5: 'LEADER_NOT_AVAILABLE',
  6: 'NOT_LEADER_OR_FOLLOWER',
  7: 'REQUEST_TIMED_OUT',
  9: 'REPLICA_NOT_AVAILABLE',
  10: 'MESSAGE_TOO_LARGE',
  12: 'OFFSET_METADATA_TOO_LARGE',
  13: 'NETWORK_EXCEPTION',
  14: 'COORDINATOR_LOAD_IN_PROGRESS',
  15: 'COORDINATOR_NOT_AVAILABLE',
  16: 'NOT_COORDINATOR',
  17: 'INVALID_TOPIC_EXCEPTION',
  18: 'RECORD_LIST_TOO_LARGE',
  19: 'NOT_ENOUGH_REPLICAS',
  20: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  22: 'ILLEGAL_GENERATION',
  25: 'UNKNOWN_MEMBER_ID',
  27: 'REBALANCE_IN_PROGRESS',
  29: 'TOPIC_AUTHORIZATION_FAILED',
  30: 'GROUP_AUTHORIZATION_FAILED',
  31: 'CLUSTER_AUTHORIZATION_FAILED',
  32: 'INVALID_TIMESTAMP',
  43: 'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  44: 'POLICY_VIOLATION',
  45: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
  46: 'DUPLICATE_SEQUENCE_NUMBER',
  47: 'INVALID_PRODUCER_EPOCH',
  48: 'INVALID_TXN_STATE',
  49: 'INVALID_PRODUCER_ID_MAPPING',
  50: 'INVALID_TRANSACTION_TIMEOUT',
  51: 'CONCURRENT_TRANSACTIONS',
  53: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  55: 'OPERATION_NOT_ATTEMPTED',
  56: 'KAFKA_STORAGE_ERROR',
  59: 'UNKNOWN_PRODUCER_ID',
  74: 'FENCED_LEADER_EPOCH',
  75: 'UNKNOWN_LEADER_EPOCH',
  82: 'FENCED_INSTANCE_ID',
  87: 'INVALID_RECORD',
  89: 'THROTTLING_QUOTA_EXCEEDED',
  90: 'PRODUCER_FENCED',
} as const satisfies Readonly<Record<number, string>>;

const forbidden: readonly string[] = [
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
];

/** `type` is Kafka's name of the error, or its code. */
export class AnswerFailure extends MillraceError {
  readonly type: string;

  constructor(type: string, message: string) {
    super(forbidden.includes(type) ? 'MILLRACE_KAFKA_FORBIDDEN' : 'MILLRACE_KAFKA_FAILED', message);
    this.type = type;
  }
}

/** Undefined where `code` is 0, no error. `what` was asked for: `the records for orders-3`; `detail`: what the broker says of it. */
export function answerFailure(
  code: number,
  what: string,
  detail: string | null = null,
): AnswerFailure | undefined {
  if (code === 0) return undefined;
  const type = (names as Readonly<Record<number, string>>)[code] ?? `error code ${code}`;
  const said = detail === null ? '' : `: ${detail}`;
  return new AnswerFailure(
    type,
    forbidden.includes(type)
      ? `Kafka does not allow our user to ${what} (${type})`
      : `Kafka answers ${type} when it is to ${what}${said}`,
  );
}

/** Kafka's name of what went wrong; undefined where no broker has said anything. */
export function typeOf(error: unknown): string | undefined {
  return error instanceof AnswerFailure ? error.type : undefined;
}
