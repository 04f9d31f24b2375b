// The backlog of each trigger, from one poll of Kafka that all triggers share.
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

/** The backlog of one trigger. */
export interface TriggerBacklog {
  readonly records: bigint;
  /** Partitions of its source. */
  readonly partitions: number;
  /** Log ends minus backlog, summed over all partitions: it grows by the records that are settled. Only differences mean anything. */
  readonly settled: bigint;
}

/** Also rejects with MILLRACE_TRIGGER_UNKNOWN. */
export type BacklogReader = SharedPoll<TriggerBacklog>;

export interface BacklogReaderOptions {
  readonly offsets: Pick<OffsetsReader, 'read'>;
  readonly triggers: WantedTriggers;
  /** Milliseconds for which an answer, or a failure, is cached. Default: 500. */
  readonly maxAgeMs?: number | undefined;
  readonly emit: EmitScaler;
  /** Called after every poll, for every trigger whose backlog is known. Must not throw. */
  readonly onBacklog?: ((key: string, backlog: TriggerBacklog) => void) | undefined;
}

export function createBacklogReader({
  offsets,
  triggers,
  maxAgeMs,
  emit,
  onBacklog,
}: BacklogReaderOptions): BacklogReader {
  return createSharedPoll<Subscription, TriggerBacklog>({
    offsets,
    targets: triggers,
    queryOf,
    measure: backlogOf,
    maxAgeMs,
    onPolled: (seconds, count, failure) => emit('polled', seconds, count, failure),
    onMeasured(key, measured) {
      if (measured instanceof MillraceError) emit('backlogFailed', key, measured);
      else onBacklog?.(key, measured);
      emit('backlog', key, measured instanceof MillraceError ? undefined : measured.records);
    },
  });
}

function queryOf({ source }: Subscription): OffsetsQuery {
  const { access, initialOffset, consumerGroup: group, topics, topicPattern } = source;
  const startTimestampMs = typeof initialOffset === 'object' ? initialOffset.timestampMs : undefined;
  return { access, group, topics, topicPattern, startTimestampMs };
}

function backlogOf({ source }: Subscription, partitions: readonly PartitionOffsets[]): TriggerBacklog {
  const records = backlog(partitions, source.initialOffset);
  const ends = partitions.reduce((sum, { end }) => sum + end, 0n);
  return { records, partitions: partitions.length, settled: ends - records };
}
