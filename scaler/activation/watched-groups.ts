// The consumer groups without a trigger that KEDA asks about. A group is known from the first call that describes it and
// forgotten when no call has named it for a while. Their number is bounded.
import { createHash } from 'node:crypto';
import { MillraceError } from '../../core/contract/errors.ts';
import type { KafkaAccess } from '../../core/contract/kafka-access.ts';
import { createStalledPartitions, type StalledPartitions } from '../backlog/stalled-partitions.ts';
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

export interface WatchedGroups {
  /**
   * Returns the key of the described group. Equal descriptions have equal keys.
   * @throws MillraceError MILLRACE_SCALER_METADATA_INVALID, MILLRACE_SCALER_FULL
   */
  watch(described: DescribedGroup): string;
  /** Throws MILLRACE_TRIGGER_UNKNOWN for a group that is forgotten. The same object until its cluster changes. */
  get(key: string): WatchedGroup;
  readonly count: number;
  /** Calls `listener` with the key of each group that is forgotten. Returns a function that stops it. */
  onForgotten(listener: (key: string) => void): () => void;
  close(): void;
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
  return new DescribedGroups(options);
}

class DescribedGroups implements WatchedGroups {
  readonly #options: WatchedGroupsOptions;
  /** The one that was asked for the longest ago comes first. */
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(key: string) => void>();
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: WatchedGroupsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#entries.size;
  }

  watch(described: DescribedGroup): string {
    const key = keyOf(described);
    const where = `ScaledObject ${described.namespace}/${described.name}`;
    const known = this.#entries.get(key);
    const scale = known?.group ?? parseGroupMetadata(described.metadata, where);
    // Looked up in every call, because clusters come and go.
    const cluster = this.#options.clusters.find(described.namespace, scale.bootstrapServers);
    if (cluster === undefined) {
      if (known !== undefined) this.#forget(key);
      throw unknownCluster(where, described.namespace, scale.bootstrapServers);
    }
    const { access } = cluster;
    if (known === undefined) this.#makeRoom(where);
    const stalled = known?.group.stalled ?? createStalledPartitions(this.#options.stalledAfterMs ?? 15_000);
    const entry = known ?? { group: { ...scale, key, access, stalled }, askedMs: 0, holds: 0 };
    if (entry.group.access !== access) entry.group = { ...entry.group, access };
    this.#touch(key, entry);
    this.#sweepLater();
    return key;
  }

  hold(key: string): () => void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return () => undefined;
    entry.holds += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      entry.holds -= 1;
      if (this.#entries.get(key) === entry) this.#touch(key, entry);
    };
  }

  get(key: string): WatchedGroup {
    const found = this.#entries.get(key);
    if (found === undefined)
      throw new MillraceError('MILLRACE_TRIGGER_UNKNOWN', `The scaler no longer watches the group ${key}`);
    return found.group;
  }

  onForgotten(listener: (key: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    clearTimeout(this.#sweep);
    this.#entries.clear();
  }

  #touch(key: string, entry: Entry): void {
    entry.askedMs = performance.now();
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  #forget(key: string): void {
    this.#entries.delete(key);
    for (const listener of this.#listeners) listener(key);
  }

  /** As long as there are groups, those that nobody asks for are looked for now and then. */
  #sweepLater(): void {
    const { forgetMs = 300_000 } = this.#options;
    this.#sweep ??= setTimeout(() => {
      this.#sweep = undefined;
      const oldestMs = performance.now() - forgetMs;
      for (const [key, { askedMs, holds }] of this.#entries)
        if (holds === 0 && askedMs < oldestMs) this.#forget(key);
      if (this.#entries.size > 0) this.#sweepLater();
    }, forgetMs / 10).unref();
  }

  /** Makes room by forgetting the group that was asked for the longest ago, among those for which KEDA has no open stream. */
  #makeRoom(where: string): void {
    const { limit = 1_000 } = this.#options;
    if (this.#entries.size < limit) return;
    for (const [key, { holds }] of this.#entries) {
      if (holds > 0) continue;
      this.#forget(key);
      return;
    }
    throw new MillraceError(
      'MILLRACE_SCALER_FULL',
      `${where}: the scaler already watches ${limit} groups without a trigger, and that is its limit`,
    );
  }
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
