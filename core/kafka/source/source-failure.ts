// What a failure of the Kafka client means: one that passes by itself, or one to be told.
import { describeError, MillraceError } from '../../contract/errors.ts';
import type { SourceState } from '../../contract/record-source.ts';
import { explainRefusal } from '../connection/security/security-errors.ts';

/** While a coordinator or leader is not there yet, pauses up to this long between two tries are nobody's concern, in ms. */
export const quietMs = 1_000;
const passingTypes = [
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  // The topic is gone: the next look at the topics says which.
  'UNKNOWN_TOPIC_OR_PARTITION',
];

/** A coordinator or leader that has just started, or moved, is not there for a moment: on a new cluster, that is how it begins. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('type' in error && passingTypes.includes(String(error.type))) || isPassing(error.cause);
}

export function failing(thrown: unknown): SourceState & { kind: 'failing' } {
  const error = explainRefusal(thrown) ?? thrown;
  if (error instanceof MillraceError) {
    const isAway = error.code === 'MILLRACE_KAFKA_UNREACHABLE';
    return {
      kind: 'failing',
      reason: isAway ? `no connection to Kafka: ${describeError(error)}` : error.message,
      error,
    };
  }
  const cause = error instanceof Error ? error : new Error(String(error));
  const isAway = /Connection|BrokerNotFound|NoBroker|Closed|ECONNREFUSED/.test(
    `${cause.name} ${cause.message}`,
  );
  const known = isAway
    ? new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'no connection to Kafka', { cause })
    : new MillraceError('MILLRACE_KAFKA_FAILED', 'the Kafka client failed', { cause });
  return { kind: 'failing', reason: `${known.message}: ${cause.message}`, error: known };
}
