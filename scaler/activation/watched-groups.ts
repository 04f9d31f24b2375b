// The consumer groups that KEDA asks about without a trigger: known from the first call that describes one, bounded in number,
// and forgotten when nobody has asked for a while.
import { createHash } from 'node:crypto';
import { MillraceError } from '../../core/contract/errors.ts';
import type { KafkaAccess } from '../../core/contract/kafka-access.ts';
import { createStandstill, type Standstill } from '../backlog/standstill.ts';
import type { PollTargets } from '../backlog/shared-poll.ts';
import type { KnownClusters } from '../known-clusters.ts';
import { parseGroupMetadata, type GroupScale } from './group-metadata.ts';

/** A trigger of a ScaledObject, as KEDA describes it in every call. */
export interface DescribedGroup {
  readonly namespace: string;
  /** Of the ScaledObject. */
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface WatchedGroup extends GroupScale {
  readonly key: string;
  /** As in `OffsetsQuery`. */
  readonly access: KafkaAccess | undefined;
  readonly standstill: Standstill;
}

export interface WatchedGroups extends PollTargets<WatchedGroup> {
  /**
   * The key of what is described, which is read for from here on. The same description has the same key.
   * @throws MillraceError MILLRACE_SCALER_METADATA_INVALID, MILLRACE_SCALER_FULL
   */
  watch(described: DescribedGroup): string;
  /** Keeps `key` until the returned function is called. */
  hold(key: string): () => void;
}

export interface WatchedGroupsOptions {
  readonly clusters: KnownClusters;
  /** How many may be watched at a time; 1,000 when absent. */
  readonly limit?: number | undefined;
  /** Milliseconds after which what nobody asks for is forgotten; 5 minutes when absent. */
  readonly forgetMs?: number | undefined;
  /** Milliseconds for which an offset must stand still to be persistent lag; 15,000 when absent. */
  readonly standstillMs?: number | undefined;
}

interface Entry {
  group: WatchedGroup;
  askedMs: number;
  holds: number;
}

export function createWatchedGroups(options: WatchedGroupsOptions): WatchedGroups {
  const { limit = 1_000, forgetMs = 300_000, standstillMs = 15_000 } = options;
  const entries = new Map<string, Entry>();

  function forgetOld(): void {
    const oldestMs = performance.now() - forgetMs;
    for (const [key, { askedMs, holds }] of entries)
      if (holds === 0 && askedMs < oldestMs) entries.delete(key);
  }

  /** Makes room by forgetting whom nobody has asked for the longest, unless KEDA holds a stream open for it. */
  function makeRoom(where: string): void {
    if (entries.size < limit) return;
    const idle = [...entries].filter(([, { holds }]) => holds === 0);
    const [oldest] = idle.toSorted(([, a], [, b]) => a.askedMs - b.askedMs);
    if (oldest === undefined)
      throw new MillraceError(
        'MILLRACE_SCALER_FULL',
        `${where}: ${limit} groups without a trigger are watched already, and no more may be`,
      );
    entries.delete(oldest[0]);
  }

  return {
    watch(described) {
      const key = keyOf(described);
      const where = `ScaledObject ${described.namespace}/${described.name}`;
      const known = entries.get(key);
      const scale = known?.group ?? parseGroupMetadata(described.metadata, where);
      // Looked up again, for clusters come and go.
      const cluster = options.clusters.find(described.namespace, scale.bootstrapServers);
      if (cluster === undefined) {
        entries.delete(key);
        throw unknownCluster(where, described.namespace, scale.bootstrapServers);
      }
      if (known === undefined) makeRoom(where);
      const standstill = known?.group.standstill ?? createStandstill(standstillMs);
      const entry = known ?? { holds: 0 };
      entries.set(
        key,
        Object.assign(entry, {
          group: { ...scale, key, access: cluster.access, standstill },
          askedMs: performance.now(),
        }),
      );
      return key;
    },

    hold: (key) => holdOf(entries.get(key)),

    get(key) {
      const found = entries.get(key);
      if (found === undefined)
        throw new MillraceError('MILLRACE_TRIGGER_UNKNOWN', `Nobody asks for ${key} any more`);
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

/** A ScaledObject may have several triggers: they differ in their metadata. */
function keyOf({ namespace, name, metadata }: DescribedGroup): string {
  const sorted = Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const digest = createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
  return `${namespace}/${name}#${digest}`;
}

function unknownCluster(where: string, namespace: string, named: readonly string[]): MillraceError {
  return new MillraceError(
    'MILLRACE_SCALER_METADATA_INVALID',
    `${where}: bootstrapServers is '${named.join(',')}', which is no cluster that this installation knows in ` +
      `${namespace}: leave it out for the installation's own`,
  );
}
