// One endpoint of a function with its connections: opened, replaced when credentials rotate, probed after a refused connection, closed.
// `endpoints.ts` decides which endpoint gets a request.
import { Pool, type Dispatcher } from 'undici';
import type { FunctionSettings } from '../../core/contract/subscription.ts';
import { Circuit } from './circuit.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { createConnector, type Connecting } from './function-connector.ts';
import { untilAccepting } from './probe-endpoint.ts';

type Concurrency = FunctionSettings['concurrency'];

export class PooledEndpoint {
  readonly origin: string;
  dispatcher: Dispatcher;
  /** Requests in flight. */
  outstanding = 0;
  /** How many requests may be in flight. */
  limit: number;
  /** Learns `limit`; undefined where the trigger sets a fixed one. */
  readonly learned: ConcurrencyLimit | undefined;
  readonly circuit = new Circuit(Math.random);
  /** False from a refused connection until the endpoint accepts one again. */
  reachable = true;
  /** No longer among the ready endpoints: it gets no new request; what is in flight may end. */
  retired = false;
  readonly #concurrency: Concurrency;
  readonly #connecting: () => Connecting;
  /** Connections made with earlier credentials, which close when their requests have ended. */
  readonly #draining = new Set<Dispatcher>();
  #stopProbe: (() => void) | undefined;

  /** `connecting`: what a new connection is made with; asked for again by `renew` and by each probe. */
  constructor(origin: string, concurrency: Concurrency, connecting: () => Connecting) {
    const isLearned = typeof concurrency === 'object';
    this.origin = origin;
    this.limit = isLearned ? concurrency.min : concurrency;
    this.learned = isLearned ? new ConcurrencyLimit(concurrency) : undefined;
    this.#concurrency = concurrency;
    this.#connecting = connecting;
    this.dispatcher = this.#connect();
  }

  /** Uses new connections from now on; the old ones close when the requests in flight on them have ended. */
  renew(): void {
    const old = this.dispatcher;
    this.dispatcher = this.#connect();
    this.#draining.add(old);
    old.close().then(
      () => this.#draining.delete(old),
      () => undefined,
    );
  }

  /** Probes the endpoint until it accepts a connection; then it is reachable, and `onReachable` is called. */
  probe(onReachable: () => void): void {
    const onAccepting = (): void => {
      this.#stopProbe = undefined;
      this.reachable = true;
      onReachable();
    };
    this.#stopProbe = untilAccepting(this.origin, onAccepting, this.#connecting);
  }

  /** Stops probing. The connections stay open for what is in flight. */
  retire(): void {
    this.retired = true;
    this.#stopProbe?.();
    this.#stopProbe = undefined;
  }

  /** Closes the connections of an endpoint without requests in flight. */
  close(): void {
    // A pool that fails to close has no request in flight, so its failure has no effect.
    this.dispatcher.close().catch(() => undefined);
  }

  /** Closes all connections at once; requests in flight end as failed. */
  async destroy(): Promise<void> {
    await Promise.all([this.dispatcher, ...this.#draining].map((dispatcher) => dispatcher.destroy()));
  }

  #connect(): Dispatcher {
    const concurrency = this.#concurrency;
    return new Pool(this.origin, {
      connections: typeof concurrency === 'object' ? concurrency.max : concurrency,
      pipelining: 1,
      // The attempt has its own deadline for the whole answer.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: createConnector(this.#connecting()),
    });
  }
}
