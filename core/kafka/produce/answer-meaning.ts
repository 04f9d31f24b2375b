// What the answer to a batch means for it. `isStored: 'maybe'`: some brokers have it, and may keep it; only the same batch, sent again with the
// same sequence, may take its place.
import { answerFailure, type AnswerFailure } from './answer-failure.ts';
import type { PartitionAnswer } from './produce-requests.ts';

export type AnswerMeaning =
  /** `baseOffset` is -1 where it is not told. */
  | { readonly kind: 'stored'; readonly baseOffset: bigint }
  /** Worth another try. */
  | { readonly kind: 'passing'; readonly isStored: 'no' | 'maybe'; readonly failure: AnswerFailure }
  /** Not stored because of single records: which, where the broker tells. */
  | {
      readonly kind: 'records refused';
      readonly indexes: ReadonlySet<number>;
      readonly failure: AnswerFailure;
    }
  /** Not stored, and would not be at another try. */
  | { readonly kind: 'refused'; readonly failure: AnswerFailure }
  /** Not stored: the partition knows the producer no more, or as another. */
  | { readonly kind: 'producer lost'; readonly failure: AnswerFailure }
  | { readonly kind: 'unknown'; readonly failure: AnswerFailure };

type Kind = Exclude<AnswerMeaning['kind'], 'stored' | 'unknown'> | 'maybe stored';

/**
 * A leader that is none any more may have stored what it refuses: it says so too when it loses the partition while it waits for its followers.
 */
const kinds: Readonly<Record<string, Kind>> = {
  CORRUPT_MESSAGE: 'passing',
  NOT_ENOUGH_REPLICAS: 'passing',
  THROTTLING_QUOTA_EXCEEDED: 'passing',
  UNKNOWN_TOPIC_OR_PARTITION: 'maybe stored',
  LEADER_NOT_AVAILABLE: 'maybe stored',
  NOT_LEADER_OR_FOLLOWER: 'maybe stored',
  REQUEST_TIMED_OUT: 'maybe stored',
  REPLICA_NOT_AVAILABLE: 'maybe stored',
  NETWORK_EXCEPTION: 'maybe stored',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'maybe stored',
  KAFKA_STORAGE_ERROR: 'maybe stored',
  FENCED_LEADER_EPOCH: 'maybe stored',
  UNKNOWN_LEADER_EPOCH: 'maybe stored',
  MESSAGE_TOO_LARGE: 'records refused',
  RECORD_LIST_TOO_LARGE: 'records refused',
  INVALID_TIMESTAMP: 'records refused',
  INVALID_RECORD: 'records refused',
  INVALID_TOPIC_EXCEPTION: 'refused',
  TOPIC_AUTHORIZATION_FAILED: 'refused',
  CLUSTER_AUTHORIZATION_FAILED: 'refused',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'refused',
  POLICY_VIOLATION: 'refused',
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'producer lost',
  UNKNOWN_PRODUCER_ID: 'producer lost',
  INVALID_PRODUCER_EPOCH: 'producer lost',
};

export function meaningOf(answer: PartitionAnswer): AnswerMeaning {
  const { topic, partition, errorCode, baseOffset, recordErrors, message } = answer;
  const detail = recordErrors.find((one) => one.message !== null)?.message ?? message;
  const failure = answerFailure(errorCode, `store records in ${topic}-${partition}`, detail);
  if (failure === undefined || failure.type === 'DUPLICATE_SEQUENCE_NUMBER')
    return { kind: 'stored', baseOffset };
  const kind = kinds[failure.type];
  if (kind === undefined) return { kind: 'unknown', failure };
  switch (kind) {
    case 'passing':
      return { kind, isStored: 'no', failure };
    case 'maybe stored':
      return { kind: 'passing', isStored: 'maybe', failure };
    case 'records refused':
      return { kind, indexes: new Set(recordErrors.map(({ index }) => index)), failure };
    case 'refused':
    case 'producer lost':
      return { kind, failure };
  }
}

/** Whether a broker refuses what it was sent because of a single record in it. */
export function isOfOneRecord({ type }: AnswerFailure): boolean {
  return kinds[type] === 'records refused';
}
