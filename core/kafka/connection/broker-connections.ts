// Connections to brokers for requests that kafkajs does not speak: kafkajs connects (TLS, SASL, framing), we
// bring the request. Every request has a limit; a connection that failed once is thrown away, so that the
// next one starts afresh.
import type { Kafka } from 'kafkajs';
import { describeError, MillraceError } from '../../contract/errors.ts';
import type { BrokerAddress, OffsetRequest } from './wire-requests.ts';
import { WireReader } from './wire.ts';
import { explainRefusal } from './security-errors.ts';

// What we use of kafkajs 2.2.4 beyond its types; frozen upstream and pinned here, proved by
// test/core/kafka/offsets/offsets-reader.test.ts.
interface ClientConnection {
  readonly socket?: { destroy(error?: Error): void };
}
interface ClientConnections {
  readonly host: string;
  readonly port: number;
  readonly pool: readonly ClientConnection[];
  send(exchange: unknown): Promise<unknown>;
}
interface ClientBroker {
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null;
  readonly connectionPool: ClientConnections;
  isConnected(): boolean;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
}
interface ClientCluster {
  readonly rootLogger: unknown;
  readonly connectionPoolBuilder: { build(at?: { host: string; port: number }): Promise<ClientConnections> };
  readonly brokerPool: { createBroker(options: object): ClientBroker };
}

export interface OffsetConnections {
  /**
   * Sends to any broker: one that is connected, else one that is known, else the bootstrap servers in turn.
   */
  sendToAny<T>(request: OffsetRequest<T>, deadlineMs: number): Promise<T>;
  sendTo<T>(broker: BrokerAddress, request: OffsetRequest<T>, deadlineMs: number): Promise<T>;
  close(): Promise<void>;
}

export interface OffsetConnectionsOptions {
  readonly kafka: Kafka;
  /** How many bootstrap servers there are to try. */
  readonly seeds: number;
  /** Milliseconds that one exchange may take, connecting included. */
  readonly requestTimeoutMs: number;
  readonly onRequest?: ((apiName: string) => void) | undefined;
}

/**
 * Connections made by `kafka`. Deadlines are in milliseconds of `performance.now()`. Requests reject with
 * MILLRACE_KAFKA_UNREACHABLE where no broker answers in time, MILLRACE_KAFKA_FAILED where one is too old, and with why one refuses.
 */
export function createOffsetConnections(options: OffsetConnectionsOptions): OffsetConnections {
  return new BrokerConnections(options);
}

class BrokerConnections implements OffsetConnections {
  readonly #options: OffsetConnectionsOptions;
  readonly #cluster: ClientCluster;
  readonly #brokers = new Map<string, ClientBroker>();
  #closed = false;

  constructor(options: OffsetConnectionsOptions) {
    this.#options = options;
    this.#cluster = clusterOf(options.kafka);
  }

  async sendToAny<T>(request: OffsetRequest<T>, deadlineMs: number): Promise<T> {
    const open = [...this.#brokers.values()].filter((broker) => broker.isConnected());
    let failure: unknown;
    let refused: MillraceError | undefined;
    for (let attempt = 0; attempt < open.length + this.#options.seeds; attempt++) {
      if (attempt > 0 && performance.now() >= deadlineMs) break;
      try {
        return await this.#exchange(open[attempt] ?? (await this.#brokerAt(undefined)), request, deadlineMs);
      } catch (error) {
        const refusal = explainRefusal(error);
        // Of one server at that; the others of its cluster may be open to us.
        if (refusal?.code === 'MILLRACE_ADDRESS_REFUSED') refused ??= refusal;
        else if (refusal !== undefined) throw refusal;
        failure = error;
      }
    }
    if (refused !== undefined) throw refused;
    throw new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'No broker answers', { cause: failure });
  }

  async sendTo<T>({ host, port }: BrokerAddress, request: OffsetRequest<T>, deadlineMs: number): Promise<T> {
    try {
      return await this.#exchange(await this.#brokerAt({ host, port }), request, deadlineMs);
    } catch (error) {
      const refusal = explainRefusal(error);
      if (refusal !== undefined) throw refusal;
      const message = `Broker ${host}:${port} does not answer`;
      throw new MillraceError('MILLRACE_KAFKA_UNREACHABLE', message, { cause: error });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const open = [...this.#brokers.values()];
    this.#brokers.clear();
    // A connection with nothing in flight ends in order; whoever still waits for an answer is not waited for.
    const ends = open.map((broker) =>
      within(broker.disconnect(), 500, 'disconnect').catch(() => this.#discard(broker, 'closed')),
    );
    await Promise.all(ends);
  }

  /** Without `at`, the next of the bootstrap servers. */
  async #brokerAt(at: { host: string; port: number } | undefined): Promise<ClientBroker> {
    const connectionPool = await this.#cluster.connectionPoolBuilder.build(at);
    const address = `${connectionPool.host}:${connectionPool.port}`;
    const known = this.#brokers.get(address);
    if (known !== undefined) return known;
    const broker = this.#cluster.brokerPool.createBroker({
      connectionPool,
      logger: this.#cluster.rootLogger,
    });
    this.#brokers.set(address, broker);
    return broker;
  }

  async #exchange<T>(broker: ClientBroker, request: OffsetRequest<T>, deadlineMs: number): Promise<T> {
    if (this.#closed) throw new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'The offset reader is closed');
    const limitMs = Math.min(this.#options.requestTimeoutMs, deadlineMs - performance.now());
    const { host, port } = broker.connectionPool;
    try {
      const answer = send(broker, request, this.#options.onRequest);
      return await within(answer, limitMs, `${request.apiName} to ${host}:${port}`);
    } catch (error) {
      this.#discard(broker, `discarded: ${describeError(error)}`);
      throw error;
    }
  }

  #discard(broker: ClientBroker, reason: string): void {
    const { host, port } = broker.connectionPool;
    if (this.#brokers.get(`${host}:${port}`) === broker) this.#brokers.delete(`${host}:${port}`);
    for (const connection of broker.connectionPool.pool) connection.socket?.destroy(new Error(reason));
    broker.disconnect().catch(() => undefined);
  }
}

async function send<T>(
  broker: ClientBroker,
  request: OffsetRequest<T>,
  onRequest: ((apiName: string) => void) | undefined,
): Promise<T> {
  // It is connected before it has told its versions: whoever comes between waits for them too.
  if (!broker.isConnected() || broker.versions === null) await broker.connect();
  const { apiKey, apiVersion, apiName } = request;
  if ((broker.versions?.[apiKey]?.maxVersion ?? -1) < apiVersion) {
    const { host, port } = broker.connectionPool;
    throw new MillraceError(
      'MILLRACE_KAFKA_FAILED',
      `Broker ${host}:${port} is older than Kafka 3.0: no ${apiName} v${apiVersion}`,
    );
  }
  onRequest?.(apiName);
  const answer = await broker.connectionPool.send({
    request: { apiKey, apiVersion, apiName, encode: () => encoded(request.encode()) },
    response: {
      decode: (payload: Buffer) => ({ payload, clientSideThrottleTime: 0 }),
      parse: ({ payload }: { payload: Buffer }) => request.decode(new WireReader(payload)),
    },
  });
  return answer as T;
}

/** What kafkajs expects of an encoder: `buf` is checked, `buffer` is sent. */
function encoded(bytes: Buffer): Promise<{ buf: Buffer; buffer: Buffer }> {
  return Promise.resolve({ buf: bytes, buffer: bytes });
}

/**
 * kafkajs makes its clusters behind a symbol: one line here, instead of a second place that configures TLS
 * and SASL.
 */
function clusterOf(kafka: Kafka): ClientCluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  const create = symbol === undefined ? undefined : (kafka as unknown as Record<symbol, unknown>)[symbol];
  if (typeof create !== 'function')
    throw new Error('This is not kafkajs 2.2.4: it has no private:Kafka:createCluster');
  return (create as (options: object) => ClientCluster)({ allowAutoTopicCreation: false });
}

async function within<T>(work: Promise<T>, limitMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what}: no answer in ${Math.round(limitMs)} ms`)),
      Math.max(0, limitMs),
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
