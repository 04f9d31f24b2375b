// Offsets and groups of several Kafka clusters: connections for each distinct way to reach one, opened when they are needed, and closed
// when no trigger names the cluster any more, or when nobody has asked for a while. A cluster that fails or hangs costs its own queries, in
// time too.
import { MillraceError } from '../../contract/errors.ts';
import type { GroupState } from '../group/group-states.ts';
import type { OffsetsQuery, OffsetsResult } from './partition-offsets.ts';
import type { KafkaAccess } from '../../contract/kafka-access.ts';
import { connectionTo, identityOf, type Installation } from '../connection/security/security.ts';
import type { ConnectionSettings } from '../connection/connection-settings.ts';
import type { KeepOutcome } from './keep-offsets.ts';
import { ClusterReads, type ClusterRead, type ReadLimits } from './cluster-reads.ts';

export interface GroupQuery {
  readonly group: string;
  /** As in `OffsetsQuery`. */
  readonly access?: KafkaAccess | undefined;
}

/** What is read of a cluster. Reads that come close together share its requests. Only `proveOwn` rejects. */
export interface ClustersReader {
  readOne(query: OffsetsQuery): Promise<OffsetsResult>;
  /** One result per query, in their order, once all are there: the slowest cluster decides. */
  read(queries: readonly OffsetsQuery[]): Promise<OffsetsResult[]>;
  readGroup(query: GroupQuery): Promise<GroupState>;
  /** As `read`. */
  readGroups(queries: readonly GroupQuery[]): Promise<GroupState[]>;
  /** Keeps what the group has committed while nobody is in it. `known`: as in `KeepOptions`. */
  keep(query: GroupQuery, known: string | undefined): Promise<KeepOutcome>;
  /** Resolves when the installation's own cluster answers; else rejects with why not. */
  proveOwn(): Promise<void>;
  /** What those who wait for this cluster wait for; undefined where that is not known. */
  waitsFor(access: KafkaAccess | undefined): string | undefined;
  /** These are named by triggers. What was named before and is not any more is closed, with its credentials. */
  retain(accesses: Iterable<KafkaAccess | undefined>): void;
  /** Ends what is in flight; idempotent. */
  close(): Promise<void>;
}

export interface ClustersReaderOptions extends Installation {
  readonly onRequest?: ((apiName: string) => void) | undefined;
  /** Told of each read of offsets; `isOwn`: of the installation's own cluster. Must not throw. */
  readonly onRead?: ((read: ClusterRead, isOwn: boolean) => void) | undefined;
  /** Milliseconds after which the connections to a cluster that nobody asked for are closed; 300,000 when absent. */
  readonly idleMs?: number | undefined;
  readonly limits?: Partial<ReadLimits> | undefined;
}

interface Cluster {
  readonly reads: ClusterReads;
  readonly connection: ConnectionSettings;
  /** A trigger names it. */
  isRetained: boolean;
}

export function createClustersReader(options: ClustersReaderOptions): ClustersReader {
  return new Clusters(options);
}

class Clusters implements ClustersReader {
  readonly #options: ClustersReaderOptions;
  /** By identity. */
  readonly #clusters = new Map<string, Cluster>();
  readonly #ending = new Set<Promise<void>>();
  /** Identities of what triggers name. */
  #retained: ReadonlySet<string> = new Set();
  #sweep: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ClustersReaderOptions) {
    this.#options = options;
  }

  async readOne(query: OffsetsQuery): Promise<OffsetsResult> {
    return this.#isClosed ? closed() : this.#clusterOf(query.access).read(query);
  }

  read(queries: readonly OffsetsQuery[]): Promise<OffsetsResult[]> {
    return Promise.all(queries.map((query) => this.readOne(query)));
  }

  async readGroup({ group, access }: GroupQuery): Promise<GroupState> {
    return this.#isClosed ? closed() : this.#clusterOf(access).readGroup(group);
  }

  readGroups(queries: readonly GroupQuery[]): Promise<GroupState[]> {
    return Promise.all(queries.map((query) => this.readGroup(query)));
  }

  async keep({ group, access }: GroupQuery, known: string | undefined): Promise<KeepOutcome> {
    return this.#isClosed ? closed() : this.#clusterOf(access).keep(group, known);
  }

  async proveOwn(): Promise<void> {
    if (this.#isClosed) throw closed().error;
    return this.#clusterOf(undefined).proveReachable();
  }

  waitsFor(access: KafkaAccess | undefined): string | undefined {
    return this.#clusters.get(identityOf(access, this.#options))?.reads.waitsFor();
  }

  retain(accesses: Iterable<KafkaAccess | undefined>): void {
    const distinct = new Set(accesses);
    this.#retained = new Set([...distinct].map((access) => identityOf(access, this.#options)));
    for (const [identity, cluster] of this.#clusters) {
      const isRetained = this.#retained.has(identity);
      if (cluster.isRetained && !isRetained) this.#end(identity, cluster);
      cluster.isRetained = isRetained;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweep);
    for (const [identity, cluster] of this.#clusters) this.#end(identity, cluster);
    await Promise.all(this.#ending);
  }

  #clusterOf(access: KafkaAccess | undefined): ClusterReads {
    const identity = identityOf(access, this.#options);
    const known = this.#clusters.get(identity);
    if (known !== undefined) return known.reads;
    const { onRequest, onRead, limits, own, idleMs = 300_000 } = this.#options;
    const connection = connectionTo(access, this.#options);
    const reads = new ClusterReads({
      connection,
      onRequest,
      onRead: (read) => onRead?.(read, connection === own),
      limits,
    });
    this.#clusters.set(identity, { reads, connection, isRetained: this.#retained.has(identity) });
    this.#sweep ??= setInterval(() => this.#closeIdle(idleMs), Math.max(idleMs / 4, 10)).unref();
    return reads;
  }

  /** The own one stays. */
  #closeIdle(idleMs: number): void {
    for (const [identity, cluster] of this.#clusters)
      if (cluster.connection !== this.#options.own && cluster.reads.idleMs >= idleMs)
        this.#end(identity, cluster);
  }

  #end(identity: string, { reads, connection }: Cluster): void {
    this.#clusters.delete(identity);
    const ended = reads.close().then(async () => {
      if (connection !== this.#options.own) await connection.security?.close();
    });
    this.#ending.add(ended);
    void ended.finally(() => this.#ending.delete(ended));
  }
}

/** Nothing is opened any more that nobody would close. */
function closed(): { readonly kind: 'failed'; readonly error: MillraceError } {
  return { kind: 'failed', error: new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'The reader is closed') };
}
