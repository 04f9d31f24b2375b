// The backlog of any wanted trigger, from one poll of Kafka that all share.
import { MillraceError } from '../../core/contract/errors.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type {
  OffsetsQuery,
  OffsetsReader,
  PartitionOffsets,
} from '../../core/kafka/offsets/offsets-reader.ts';
import type { EmitScaler } from '../scaler-events.ts';
import type { WantedTriggers } from '../wanted-triggers.ts';
import { backlog } from './backlog.ts';
import { createSharedPoll, type SharedPoll } from './shared-poll.ts';

/** What a trigger owes, and over how many partitions of its source. */
export interface TriggerBacklog {
  readonly records: bigint;
  readonly partitions: number;
  /** How far it has come, over all partitions: only differences mean anything. */
  readonly settled: bigint;
}

/** Rejects with MILLRACE_TRIGGER_UNKNOWN, too. */
export type BacklogReader = SharedPoll<TriggerBacklog>;

export interface BacklogReaderOptions {
  readonly offsets: Pick<OffsetsReader, 'read'>;
  readonly triggers: WantedTriggers;
  /** Milliseconds that an answer, or a failure, is good for; 500 when absent. */
  readonly maxAgeMs?: number | undefined;
  readonly emit: EmitScaler;
  /** After every poll, of every trigger whose backlog is known. Must not throw. */
  readonly onOwed?: ((key: string, owed: TriggerBacklog) => void) | undefined;
}

export function createBacklogReader({
  offsets,
  triggers,
  maxAgeMs,
  emit,
  onOwed,
}: BacklogReaderOptions): BacklogReader {
  return createSharedPoll<Subscription, TriggerBacklog>({
    offsets,
    targets: triggers,
    queryOf,
    measure: owedBy,
    maxAgeMs,
    onPolled: (seconds, count, failure) => emit('polled', seconds, count, failure),
    onMeasured(key, owed) {
      if (owed instanceof MillraceError) emit('backlogFailed', key, owed);
      else onOwed?.(key, owed);
      emit('backlog', key, owed instanceof MillraceError ? undefined : owed.records);
    },
  });
}

function queryOf({ source }: Subscription): OffsetsQuery {
  const { access, initialOffset, consumerGroup: group, topics, topicPattern } = source;
  const startTimestampMs = typeof initialOffset === 'object' ? initialOffset.timestampMs : undefined;
  return { access, group, topics, topicPattern, startTimestampMs };
}

function owedBy({ source }: Subscription, partitions: readonly PartitionOffsets[]): TriggerBacklog {
  const records = backlog(partitions, source.initialOffset);
  const ends = partitions.reduce((sum, { end }) => sum + end, 0n);
  return { records, partitions: partitions.length, settled: ends - records };
}
