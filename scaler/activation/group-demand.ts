// Which consumer groups without a trigger need replicas: the counterpart of demand.ts, which covers triggers.
import type { MillraceError } from '../../core/contract/errors.ts';
import { groupLag, type GroupLag } from '../backlog/group-lag.ts';
import { createMeasurements, type OffsetsSource } from '../backlog/measurements.ts';
import type { EmitScaler } from '../scaler-events.ts';
import { createActivityWatch } from './activity-watch.ts';
import type { Scaling } from './demand.ts';
import type { WatchedGroup, WatchedGroups } from './watched-groups.ts';

export interface GroupDemandOptions {
  readonly groups: WatchedGroups;
  readonly offsets: OffsetsSource;
  readonly emit: EmitScaler;
  /** Milliseconds between two checks of an inactive group for which KEDA has an open stream. Default: 2,000. */
  readonly checkMs?: number | undefined;
  /** Milliseconds between two pushes of an active group. Default: 1,000. */
  readonly repeatMs?: number | undefined;
  /** Milliseconds for which an answer of Kafka is cached. Default: 500. */
  readonly maxAgeMs?: number | undefined;
}

/** Keys are those of `groups`. */
export function createGroupDemand(options: GroupDemandOptions): Scaling & { close(): void } {
  const { groups, emit } = options;
  const lags = createMeasurements<WatchedGroup, GroupLag>({
    offsets: options.offsets,
    targetOf: (key) => groups.get(key),
    queryOf: ({ access, consumerGroup, topics }) => ({
      access,
      group: consumerGroup,
      topics,
      committedTopics: topics.length === 0,
    }),
    measure,
    maxAgeMs: options.maxAgeMs,
    onMeasured: (key, lag) => emitLag(emit, key, lag),
  });
  const unsubscribe = groups.onForgotten((key) => {
    lags.forget(key);
    emit('forgotten', key);
  });
  const isActive = async (key: string): Promise<boolean> => {
    const { activationLagThreshold } = groups.get(key);
    return (await lags.read(key)).records > BigInt(activationLagThreshold);
  };
  const activity = createActivityWatch({
    isActive,
    intervalMs: () => options.checkMs ?? 2_000,
    repeatMs: options.repeatMs,
    emit,
  });
  return {
    metricSpec: (key) => metricSpecOf(groups.get(key)),
    metric: async (key) => (await lags.read(key)).metric,
    isActive,
    onActive(key, listener) {
      const release = groups.hold(key);
      const stop = activity.watch(key, listener);
      return () => {
        stop();
        release();
      };
    },
    close() {
      unsubscribe();
      activity.close();
    },
  };
}

function measure(group: WatchedGroup, partitions: Parameters<typeof groupLag>[0]): GroupLag {
  group.stalled.observe(partitions, performance.now());
  return groupLag(partitions, group, (offsets) => group.excludePersistentLag && group.stalled.has(offsets));
}

function emitLag(emit: EmitScaler, key: string, lag: GroupLag | MillraceError): void {
  if ('metric' in lag) emit('backlog', key, lag.records);
  else emit('backlogFailed', key, lag);
}

/** The metric name that KEDA's own scaler uses, without the index that KEDA prefixes. */
function metricSpecOf({
  topics,
  consumerGroup,
  lagThreshold,
}: WatchedGroup): ReturnType<Scaling['metricSpec']> {
  const name = topics.length > 0 ? `kafka-${topics.join('-')}` : `kafka-${consumerGroup}-topics`;
  return { metricName: name.replaceAll(/[^\w-]/g, '-'), targetSize: lagThreshold };
}
