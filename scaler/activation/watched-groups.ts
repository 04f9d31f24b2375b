// The consumer groups without a trigger that KEDA asks about. A group is known from the first call that describes it and
// forgotten when no call has named it for a while. Their number is bounded.
import { createHash } from 'node:crypto';
import { MillraceError } from '../../core/contract/errors.ts';
import type { KafkaAccess } from '../../core/contract/kafka-access.ts';
import { createStalledPartitions, type StalledPartitions } from '../backlog/stalled-partitions.ts';
import type { PollTargets } from '../backlog/shared-poll.ts';
import type { KnownClusters } from '../known-clusters.ts';
import { parseGroupMetadata, type GroupScale } from './group-metadata.ts';

/** One trigger of a ScaledObject, as KEDA describes it in every call. */
export interface DescribedGroup {
  readonly namespace: string;
  /** Name of the ScaledObject. */
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface WatchedGroup extends GroupScale {
  readonly key: string;
  /** As in `OffsetsQuery`. */
  readonly access: KafkaAccess | undefined;
  readonly stalled: StalledPartitions;
}

export interface WatchedGroups extends PollTargets<WatchedGroup> {
  /**
   * Returns the key of the described group, which takes part in every poll from now on. Equal descriptions have equal keys.
   * @throws MillraceError MILLRACE_SCALER_METADATA_INVALID, MILLRACE_SCALER_FULL
   */
  watch(described: DescribedGroup): string;
  /** Keeps the group from being forgotten until the returned function is called. */
  hold(key: string): () => void;
}

export interface WatchedGroupsOptions {
  readonly clusters: KnownClusters;
  /** How many groups may be watched at a time. Default: 1,000. */
  readonly limit?: number | undefined;
  /** Milliseconds after the last call until a group is forgotten. Default: 5 minutes. */
  readonly forgetMs?: number | undefined;
  /** Milliseconds without progress after which the lag of a partition counts as persistent. Default: 15,000. */
  readonly stalledAfterMs?: number | undefined;
}

interface Entry {
  group: WatchedGroup;
  askedMs: number;
  holds: number;
}

export function createWatchedGroups(options: WatchedGroupsOptions): WatchedGroups {
  const { limit = 1_000, forgetMs = 300_000, stalledAfterMs = 15_000 } = options;
  const entries = new Map<string, Entry>();

  function forgetOld(): void {
    const oldestMs = performance.now() - forgetMs;
    for (const [key, { askedMs, holds }] of entries)
      if (holds === 0 && askedMs < oldestMs) entries.delete(key);
  }

  /** Makes room by forgetting the group that was asked for the longest ago, among those for which KEDA has no open stream. */
  function makeRoom(where: string): void {
    if (entries.size < limit) return;
    const idle = [...entries].filter(([, { holds }]) => holds === 0);
    const [oldest] = idle.toSorted(([, a], [, b]) => a.askedMs - b.askedMs);
    if (oldest === undefined)
      throw new MillraceError(
        'MILLRACE_SCALER_FULL',
        `${where}: the scaler already watches ${limit} groups without a trigger, and that is its limit`,
      );
    entries.delete(oldest[0]);
  }

  return {
    watch(described) {
      const key = keyOf(described);
      const where = `ScaledObject ${described.namespace}/${described.name}`;
      const known = entries.get(key);
      const scale = known?.group ?? parseGroupMetadata(described.metadata, where);
      // Looked up in every call, because clusters come and go.
      const cluster = options.clusters.find(described.namespace, scale.bootstrapServers);
      if (cluster === undefined) {
        entries.delete(key);
        throw unknownCluster(where, described.namespace, scale.bootstrapServers);
      }
      if (known === undefined) makeRoom(where);
      const stalled = known?.group.stalled ?? createStalledPartitions(stalledAfterMs);
      const entry = known ?? { holds: 0 };
      entries.set(
        key,
        Object.assign(entry, {
          group: { ...scale, key, access: cluster.access, stalled },
          askedMs: performance.now(),
        }),
      );
      return key;
    },

    hold: (key) => holdOf(entries.get(key)),

    get(key) {
      const found = entries.get(key);
      if (found === undefined)
        throw new MillraceError('MILLRACE_TRIGGER_UNKNOWN', `The scaler no longer watches the group ${key}`);
      return found.group;
    },

    all() {
      forgetOld();
      return [...entries.values()].map(({ group }) => group);
    },
  };
}

function holdOf(entry: Entry | undefined): () => void {
  if (entry === undefined) return () => undefined;
  entry.holds += 1;
  let isHeld = true;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    entry.holds -= 1;
    entry.askedMs = performance.now();
  };
}

/** A ScaledObject may have several triggers, which differ in their metadata only. */
function keyOf({ namespace, name, metadata }: DescribedGroup): string {
  const sorted = Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const digest = createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
  return `${namespace}/${name}#${digest}`;
}

function unknownCluster(where: string, namespace: string, named: readonly string[]): MillraceError {
  return new MillraceError(
    'MILLRACE_SCALER_METADATA_INVALID',
    `${where}: bootstrapServers is '${named.join(',')}', which is no cluster that this installation knows in ` +
      `${namespace}: leave it out to use the installation's own cluster`,
  );
}
