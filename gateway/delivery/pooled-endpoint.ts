// One endpoint of a function with its connections: opened, replaced when credentials rotate, probed after a refused connection, closed.
// `endpoints.ts` decides which endpoint gets a request.
import type { FunctionSettings } from '../../core/contract/subscription.ts';
import { Circuit } from './circuit.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import type { Connecting } from '../http/dial.ts';
import { Connections } from '../http/connections.ts';
import { untilAccepting } from './probe-endpoint.ts';

type Concurrency = FunctionSettings['concurrency'];

export class PooledEndpoint {
  readonly origin: string;
  connections: Connections;
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
  readonly #connecting: () => Connecting;
  /** Connections made with earlier credentials, which close when their requests have ended. */
  readonly #draining = new Set<Connections>();
  #stopProbe: (() => void) | undefined;

  /** `connecting`: what a new connection is made with; asked for again by `renew` and by each probe. */
  constructor(origin: string, concurrency: Concurrency, connecting: () => Connecting) {
    const isLearned = typeof concurrency === 'object';
    this.origin = origin;
    this.limit = isLearned ? concurrency.min : concurrency;
    this.learned = isLearned ? new ConcurrencyLimit(concurrency) : undefined;
    this.#connecting = connecting;
    this.connections = this.#connect();
  }

  /** Uses new connections from now on; the old ones close when the requests in flight on them have ended. */
  renew(): void {
    const old = this.connections;
    this.connections = this.#connect();
    old.close();
    for (const one of [...this.#draining, old]) {
      if (one.size > 0) this.#draining.add(one);
      else this.#draining.delete(one);
    }
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
    this.connections.close();
  }

  /** Closes all connections at once; requests in flight end as failed. */
  destroy(): void {
    for (const connections of [this.connections, ...this.#draining]) connections.destroy();
  }

  #connect(): Connections {
    return new Connections(this.origin, this.#connecting());
  }
}
