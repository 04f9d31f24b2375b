// The reads of one Kafka cluster. Those that come close together share its requests, and each is answered as soon as its own part is there.
// A cluster that does not answer is left alone for a while: until then each read is told at once what went wrong last.
import { describeError, MillraceError } from '../../contract/errors.ts';
import { createConnections, type Connections } from '../connection/broker-connections.ts';
import type { ConnectionSettings } from '../connection/connection-settings.ts';
import { createTopology, type Topology } from '../connection/topology.ts';
import { metadataRequest } from '../protocol/wire-requests.ts';
import { readGroupStates, type GroupState } from '../group/group-states.ts';
import { GatheredReads } from './gathered-reads.ts';
import { keepOffsets, type KeepOutcome } from './keep-offsets.ts';
import { readOffsets } from './read-offsets.ts';
import type { OffsetsQuery, OffsetsResult } from './partition-offsets.ts';

/** One read of offsets, for all who asked at that time. */
export interface ClusterRead {
  /** Bootstrap servers. */
  readonly brokers: readonly string[];
  readonly seconds: number;
  readonly queries: number;
  /** Why the cluster as a whole did not answer. */
  readonly error: MillraceError | undefined;
  /** The read before it ended otherwise: the cluster stopped answering, or answers again. */
  readonly isTurn: boolean;
}

/** In milliseconds. */
export interface ReadLimits {
  /** To connect, do TLS and authenticate. */
  readonly connect: number;
  /** For one request. */
  readonly request: number;
  /** For one read, with all that it takes. */
  readonly read: number;
  /** For how long reads are gathered. */
  readonly gather: number;
  /** From the begin of one shared read to that of the next, at least. */
  readonly spacing: number;
  /** The pause after a failure, which doubles up to the longest; half of it is random. */
  readonly firstPause: number;
  readonly longestPause: number;
  /** After which a new partition is noticed. */
  readonly metadataAge: number;
}

const usualLimits: ReadLimits = {
  connect: 10_000,
  request: 10_000,
  read: 30_000,
  gather: 5,
  spacing: 100,
  firstPause: 500,
  longestPause: 5_000,
  metadataAge: 5_000,
};

/** So many questions share a read at most, so that what a read costs at once has a bound. */
const mostQuestions = 500;

export interface ClusterReadsOptions {
  readonly connection: ConnectionSettings;
  readonly onRequest?: ((apiName: string) => void) | undefined;
  /** Must not throw. */
  readonly onRead?: ((read: ClusterRead) => void) | undefined;
  readonly limits?: Partial<ReadLimits> | undefined;
}

interface Failure {
  readonly error: MillraceError;
  /** In a row. */
  readonly count: number;
  readonly untilMs: number;
}

export class ClusterReads {
  readonly #options: ClusterReadsOptions;
  readonly #limits: ReadLimits;
  readonly #connections: Connections;
  readonly #topology: Topology;
  readonly #offsets: GatheredReads<OffsetsQuery, OffsetsResult>;
  readonly #groups: GatheredReads<string, GroupState>;
  readonly #stopRenewals: (() => void) | undefined;
  #failure: Failure | undefined;
  #isFailing = false;
  #isClosed = false;
  #waiting = 0;
  #usedMs = performance.now();

  constructor(options: ClusterReadsOptions) {
    this.#options = options;
    this.#limits = { ...usualLimits, ...options.limits };
    const { connection, onRequest } = options;
    const { firstPause: firstMs, longestPause: mostMs, connect, request } = this.#limits;
    const endPause = (): void => void (this.#failure = undefined);
    const connections = createConnections({
      settings: connection,
      connectTimeoutMs: connect,
      requestTimeoutMs: request,
      probing: { firstMs, mostMs },
      onRecovered: endPause,
      onRequest,
    });
    this.#connections = connections;
    const metadataMaxAgeMs = this.#limits.metadataAge;
    this.#topology = createTopology({ connections, metadataMaxAgeMs, asksRights: true });
    const { gather: gatherMs, spacing: spacingMs } = this.#limits;
    const gathering = { gatherMs, spacingMs, most: mostQuestions };
    this.#offsets = new GatheredReads({ ...gathering, run: (...asked) => this.#readOffsets(...asked) });
    this.#groups = new GatheredReads({ ...gathering, run: (...asked) => this.#readGroups(...asked) });
    this.#stopRenewals = connection.security?.credentials.onRenewed(() => {
      endPause();
      connections.probeNow();
    });
  }

  /** Never rejects. */
  read(query: OffsetsQuery): Promise<OffsetsResult> {
    return this.#counted(this.#offsets.ask(query));
  }

  /** Never rejects. */
  readGroup(group: string): Promise<GroupState> {
    return this.#counted(this.#groups.ask(group));
  }

  /** See `keepOffsets`. Never rejects. */
  async keep(group: string, known: string | undefined): Promise<KeepOutcome> {
    return this.#counted(this.#keep(group, known));
  }

  async #keep(group: string, known: string | undefined): Promise<KeepOutcome> {
    if (this.#failure !== undefined && performance.now() < this.#failure.untilMs)
      return { kind: 'failed', error: this.#failure.error };
    await this.#options.connection.security?.credentials.ready();
    const deadlineMs = performance.now() + this.#limits.read;
    return keepOffsets(group, {
      connections: this.#connections,
      topology: this.#topology,
      deadlineMs,
      known,
    });
  }

  /** Rejects with why no broker answers. */
  async proveReachable(): Promise<void> {
    const ask = (): Promise<unknown> =>
      this.#connections.sendToAny(metadataRequest([], false), performance.now() + this.#limits.read);
    const error = await this.#counted(this.#readWhole(0, ask));
    if (error !== undefined) throw error;
  }

  /** What those who wait for an answer wait for; undefined where that is not known. */
  waitsFor(): string | undefined {
    return this.#connections.waitsFor();
  }

  /** Milliseconds for which nobody has asked, or waited. */
  get idleMs(): number {
    return this.#waiting > 0 ? 0 : performance.now() - this.#usedMs;
  }

  /** Whoever still waits is told that this is closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopRenewals?.();
    const closed = this.#connections.close();
    this.#offsets.flush();
    this.#groups.flush();
    await closed;
  }

  async #counted<T>(work: Promise<T>): Promise<T> {
    this.#waiting += 1;
    try {
      return await work;
    } finally {
      this.#waiting -= 1;
      this.#usedMs = performance.now();
    }
  }

  async #readOffsets(
    queries: readonly OffsetsQuery[],
    settle: (index: number, result: OffsetsResult) => void,
  ): Promise<void> {
    const error = await this.#readWhole(queries.length, () => {
      const { read: timeoutMs } = this.#limits;
      return readOffsets(queries, {
        connections: this.#connections,
        topology: this.#topology,
        timeoutMs,
        settle,
      });
    });
    if (error === undefined) return;
    for (const index of queries.keys()) settle(index, { kind: 'failed', error });
  }

  async #readGroups(
    groups: readonly string[],
    settle: (index: number, state: GroupState) => void,
  ): Promise<void> {
    await this.#options.connection.security?.credentials.ready();
    const byName = Map.groupBy(groups.keys(), (index) => groups[index] ?? '');
    await readGroupStates(new Set(groups), {
      connections: this.#connections,
      topology: this.#topology,
      timeoutMs: this.#limits.read,
      settle: (group, state) => {
        for (const index of byName.get(group) ?? []) settle(index, state);
      },
    });
  }

  /** Why the cluster as a whole does not answer; during the pause after a failure, that of the failure. Never rejects. */
  async #readWhole(queries: number, work: () => Promise<unknown>): Promise<MillraceError | undefined> {
    if (this.#failure !== undefined && performance.now() < this.#failure.untilMs) return this.#failure.error;
    const startedMs = performance.now();
    let error: MillraceError | undefined;
    try {
      await this.#options.connection.security?.credentials.ready();
      await work();
      this.#failure = undefined;
    } catch (thrown) {
      error =
        thrown instanceof MillraceError
          ? thrown
          : new MillraceError('MILLRACE_KAFKA_FAILED', describeError(thrown), { cause: thrown });
      this.#failed(error);
    }
    // Whoever closes it knows.
    if (this.#isClosed) return error;
    const isTurn = (error !== undefined) !== this.#isFailing;
    this.#isFailing = error !== undefined;
    const { connection, onRead } = this.#options;
    const seconds = (performance.now() - startedMs) / 1000;
    onRead?.({ brokers: connection.brokers, seconds, queries, error, isTurn });
    return error;
  }

  /** Reads that were under way together fail together, and count once. */
  #failed(error: MillraceError): void {
    const nowMs = performance.now();
    const before = this.#failure;
    if (before !== undefined && nowMs < before.untilMs) return;
    const count = (before?.count ?? 0) + 1;
    const { firstPause, longestPause } = this.#limits;
    const pauseMs = Math.min(longestPause, firstPause * 2 ** Math.min(count - 1, 20));
    this.#failure = { error, count, untilMs: nowMs + pauseMs * (0.5 + Math.random() / 2) };
  }
}
