// Offsets and groups of several Kafka clusters: a connection per distinct way to reach one, opened when it is needed
// and closed when nobody has asked for it for a while. A cluster that is away takes down its own queries, nobody else's.
import { describeError, MillraceError } from '../../contract/errors.ts';
import { createGroupStates, type GroupState, type GroupStatesReader } from '../group/group-states.ts';
import {
  createOffsetsReader,
  type OffsetsQuery,
  type OffsetsReader,
  type OffsetsReaderOptions,
  type OffsetsResult,
} from './offsets-reader.ts';
import type { KafkaAccess } from '../../contract/kafka-access.ts';
import { connectionTo, identityOf, type Installation } from '../connection/security.ts';
import type { ConnectionSettings } from '../connection/kafka-client.ts';

export interface GroupQuery {
  readonly group: string;
  /** As in `OffsetsQuery`. */
  readonly access?: KafkaAccess | undefined;
}

export interface ClustersReader extends Pick<OffsetsReader, 'close'> {
  /**
   * As `OffsetsReader.read`, each query at its own cluster. Rejects where the only one that is asked does not answer; the own one
   * is asked even where no query is for it, if there are no others either.
   */
  read(queries: readonly OffsetsQuery[]): Promise<OffsetsResult[]>;
  /** One state per query, in their order. Never rejects. */
  readGroups(queries: readonly GroupQuery[]): Promise<GroupState[]>;
}

export interface ClustersReaderOptions extends Installation {
  readonly onRequest?: ((apiName: string) => void) | undefined;
  /** Milliseconds after which the connections to a cluster that nobody asked for are closed; 300,000 when absent. */
  readonly idleMs?: number | undefined;
}

interface Cluster {
  readonly access: KafkaAccess | undefined;
  /** Undefined while nobody has asked. */
  connection: ConnectionSettings | undefined;
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
    const shares = Map.groupBy(queries.entries(), ([, { access }]) => this.#clusterOf(access));
    if (shares.size === 0) shares.set(this.#clusterOf(undefined), []);
    this.#closeIdle();
    const results: OffsetsResult[] = [];
    const failures: MillraceError[] = [];
    const reads = [...shares].map(async ([cluster, asked]) => {
      const reader = (cluster.offsets ??= createOffsetsReader(this.#settingsOf(cluster)));
      await cluster.connection?.security?.credentials.ready();
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
    // Of several clusters each has its own reason, which is not for those of the others.
    if (failure !== undefined && shares.size === 1) throw failure;
    return results;
  }

  async readGroups(queries: readonly GroupQuery[]): Promise<GroupState[]> {
    const shares = Map.groupBy(queries.entries(), ([, { access }]) => this.#clusterOf(access));
    const states: GroupState[] = [];
    const reads = [...shares].map(async ([cluster, asked]) => {
      const reader = (cluster.groups ??= createGroupStates(this.#settingsOf(cluster)));
      await cluster.connection?.security?.credentials.ready();
      const found = await reader.read(asked.map(([, { group }]) => group));
      for (const [index, { group }] of asked) states[index] = found.get(group) ?? unanswered();
    });
    await Promise.all(reads);
    return states;
  }

  async close(): Promise<void> {
    const open = [...this.#clusters.values()];
    this.#clusters.clear();
    await Promise.all(open.map((cluster) => this.#close(cluster)));
  }

  #clusterOf(access: KafkaAccess | undefined): Cluster {
    const id = identityOf(access, this.#options);
    let cluster = this.#clusters.get(id);
    if (cluster === undefined) {
      cluster = { access, connection: undefined, offsets: undefined, groups: undefined, usedMs: 0 };
      this.#clusters.set(id, cluster);
    }
    cluster.usedMs = performance.now();
    return cluster;
  }

  #closeIdle(): void {
    const { idleMs = 300_000 } = this.#options;
    for (const [id, cluster] of this.#clusters) {
      if (performance.now() - cluster.usedMs < idleMs) continue;
      this.#clusters.delete(id);
      void this.#close(cluster);
    }
  }

  #settingsOf(cluster: Cluster): OffsetsReaderOptions {
    const { log, onRequest } = this.#options;
    return {
      connection: (cluster.connection ??= connectionTo(cluster.access, this.#options)),
      log,
      onRequest,
    };
  }

  async #close({ connection, offsets, groups }: Cluster): Promise<void> {
    await Promise.all([offsets?.close(), groups?.close()]);
    if (connection !== this.#options.own) await connection?.security?.close();
  }
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
