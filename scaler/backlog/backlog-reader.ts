// The backlog of each trigger, measured when somebody asks for it.
import { MillraceError } from '../../core/contract/errors.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { OffsetsQuery } from '../../core/kafka/offsets/partition-offsets.ts';
import type { EmitScaler } from '../scaler-events.ts';
import type { WantedTriggers } from '../wanted-triggers.ts';
import { triggerBacklog, type TriggerBacklog } from './backlog.ts';
import { createMeasurements, type Measurements, type OffsetsSource } from './measurements.ts';

/** Also rejects with MILLRACE_TRIGGER_UNKNOWN. */
export type BacklogReader = Pick<Measurements<TriggerBacklog>, 'read' | 'measure'>;

export interface BacklogReaderOptions {
  readonly offsets: OffsetsSource;
  readonly triggers: WantedTriggers;
  /** As in `MeasurementsOptions`. */
  readonly maxAgeMs?: number | undefined;
  readonly emit: EmitScaler;
  /** Called for every backlog that is measured. Must not throw. */
  readonly onBacklog?: ((key: string, backlog: TriggerBacklog) => void) | undefined;
}

/** What is known of a trigger goes with it. */
export function createBacklogReader(options: BacklogReaderOptions): BacklogReader {
  const { offsets, triggers, maxAgeMs, emit, onBacklog } = options;
  const measurements = createMeasurements<Subscription, TriggerBacklog>({
    offsets,
    targetOf: (key) => triggers.get(key),
    queryOf,
    measure: (subscription, partitions) => triggerBacklog(partitions, subscription),
    maxAgeMs,
    onMeasured(key, measured) {
      if (measured instanceof MillraceError) emit('backlogFailed', key, measured);
      else onBacklog?.(key, measured);
      emit('backlog', key, measured instanceof MillraceError ? undefined : measured.records);
    },
  });
  triggers.onChange(({ gone }) => {
    for (const key of gone) measurements.forget(key);
  });
  return measurements;
}

function queryOf({ source }: Subscription): OffsetsQuery {
  const { access, initialOffset, consumerGroup: group, topics, topicPattern } = source;
  const startTimestampMs = typeof initialOffset === 'object' ? initialOffset.timestampMs : undefined;
  return { access, group, topics, topicPattern, startTimestampMs };
}
