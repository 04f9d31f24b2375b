// Offsets and groups of several Kafka clusters: a connection per distinct list of bootstrap servers, opened when it is needed
// and closed when nobody has asked for it for a while. A cluster that is away takes down its own queries, nobody else's.
import { describeError, MillraceError } from '../contract/errors.ts';
import { createGroupStates, type GroupState, type GroupStatesReader } from './group-states.ts';
import {
  createOffsetsReader,
  type OffsetsQuery,
  type OffsetsReader,
  type OffsetsReaderOptions,
  type OffsetsResult,
} from './offsets.ts';
import type { ClientLog } from './connection.ts';

export interface GroupQuery {
  readonly group: string;
  /** As in `OffsetsQuery`. */
  readonly brokers?: readonly string[] | undefined;
}

export interface ClustersReader extends Pick<OffsetsReader, 'close'> {
  /**
   * As `OffsetsReader.read`, each query at its own cluster. Rejects where none of the clusters answers; the own one is asked
   * even where no query is for it, if there are no others either.
   */
  read(queries: readonly OffsetsQuery[]): Promise<OffsetsResult[]>;
  /** One state per query, in their order. Never rejects. */
  readGroups(queries: readonly GroupQuery[]): Promise<GroupState[]>;
}

export interface ClustersReaderOptions {
  /** Bootstrap servers of queries that name none. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly log?: ClientLog | undefined;
  readonly onRequest?: ((apiName: string) => void) | undefined;
  /** Milliseconds after which the connections to a cluster that nobody asked for are closed; 300,000 when absent. */
  readonly idleMs?: number | undefined;
}

interface Cluster {
  readonly brokers: readonly string[];
  offsets: OffsetsReader | undefined;
  groups: GroupStatesReader | undefined;
  usedMs: number;
}

export function createClustersReader(options: ClustersReaderOptions): ClustersReader {
  return new Clusters(options);
}

class Clusters implements ClustersReader {
  readonly #options: ClustersReaderOptions;
  readonly #clusters = new Map<string, Cluster>();

  constructor(options: ClustersReaderOptions) {
    this.#options = options;
  }

  async read(queries: readonly OffsetsQuery[]): Promise<OffsetsResult[]> {
    const shares = Map.groupBy(queries.entries(), ([, { brokers }]) => this.#clusterOf(brokers));
    if (shares.size === 0) shares.set(this.#clusterOf(undefined), []);
    this.#closeIdle();
    const results: OffsetsResult[] = [];
    const failures: MillraceError[] = [];
    const reads = [...shares].map(async ([cluster, asked]) => {
      const reader = (cluster.offsets ??= createOffsetsReader(this.#settingsOf(cluster)));
      const answers = await readOne(
        reader,
        asked.map(([, query]) => query),
      );
      if (answers instanceof MillraceError) failures.push(answers);
      for (const [at, [index]] of asked.entries())
        results[index] = answers instanceof MillraceError ? failed(answers) : (answers[at] ?? unanswered());
    });
    await Promise.all(reads);
    const [failure] = failures;
    if (failure !== undefined && failures.length === shares.size) throw failure;
    return results;
  }

  async readGroups(queries: readonly GroupQuery[]): Promise<GroupState[]> {
    const shares = Map.groupBy(queries.entries(), ([, { brokers }]) => this.#clusterOf(brokers));
    const states: GroupState[] = [];
    const reads = [...shares].map(async ([cluster, asked]) => {
      const reader = (cluster.groups ??= createGroupStates(this.#settingsOf(cluster)));
      const found = await reader.read(asked.map(([, { group }]) => group));
      for (const [index, { group }] of asked) states[index] = found.get(group) ?? unanswered();
    });
    await Promise.all(reads);
    return states;
  }

  async close(): Promise<void> {
    const open = [...this.#clusters.values()];
    this.#clusters.clear();
    await Promise.all(open.map(closeOne));
  }

  #clusterOf(brokers: readonly string[] = this.#options.brokers): Cluster {
    const id = brokers.toSorted().join(',');
    const cluster = this.#clusters.get(id) ?? { brokers, offsets: undefined, groups: undefined, usedMs: 0 };
    this.#clusters.set(id, cluster);
    cluster.usedMs = performance.now();
    return cluster;
  }

  #closeIdle(): void {
    const { idleMs = 300_000 } = this.#options;
    for (const [id, cluster] of this.#clusters) {
      if (performance.now() - cluster.usedMs < idleMs) continue;
      this.#clusters.delete(id);
      void closeOne(cluster);
    }
  }

  #settingsOf({ brokers }: Cluster): OffsetsReaderOptions {
    const { clientId, log, onRequest } = this.#options;
    return { connection: { brokers, clientId }, log, onRequest };
  }
}

async function closeOne({ offsets, groups }: Cluster): Promise<void> {
  await Promise.all([offsets?.close(), groups?.close()]);
}

function failed(error: MillraceError): { kind: 'failed'; error: MillraceError } {
  return { kind: 'failed', error };
}

function unanswered(): { kind: 'failed'; error: MillraceError } {
  return failed(
    new MillraceError('MILLRACE_KAFKA_FAILED', 'Kafka left out of its answer what it was asked for'),
  );
}

async function readOne(
  reader: OffsetsReader,
  queries: readonly OffsetsQuery[],
): Promise<OffsetsResult[] | MillraceError> {
  try {
    return await reader.read(queries);
  } catch (error) {
    if (error instanceof MillraceError) return error;
    return new MillraceError('MILLRACE_KAFKA_FAILED', describeError(error), { cause: error });
  }
}
