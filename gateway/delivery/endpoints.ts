// The ready endpoints of one function: the least busy one is next, none gets more than `concurrency` requests at a time,
// and one that refuses connections is left alone until it takes them again.
import { Pool, type Dispatcher } from 'undici';
import type { Endpoint } from '../contract/ports.ts';
import { untilAccepting } from './probe.ts';

export interface EndpointsOptions {
  /** Requests in flight per endpoint. */
  readonly concurrency: number;
  /** There may be an endpoint to `pick` now, where there was none. */
  readonly onAvailable: () => void;
  /** How many endpoints are ready, whenever that changes. */
  readonly onReadyCount: (ready: number) => void;
}

/** An endpoint with its connections. */
export interface Gate {
  readonly origin: string;
  readonly dispatcher: Dispatcher;
  outstanding: number;
  reachable: boolean;
  /** No longer among the ready endpoints: nothing new is sent, what is in flight may end. */
  retired: boolean;
}

export class Endpoints {
  readonly #options: EndpointsOptions;
  readonly #gates = new Map<string, Gate>();
  /** Those that finish what is in flight. */
  readonly #retired = new Set<Gate>();
  readonly #probes = new Map<Gate, () => void>();
  #ready: Gate[] = [];
  #turn = 0;

  constructor(options: EndpointsOptions) {
    this.#options = options;
  }

  get readyCount(): number {
    return this.#ready.length;
  }

  /** The ready endpoint with the fewest requests in flight, if one has room; its place is taken. */
  pick(): Gate | undefined {
    const count = this.#ready.length;
    let best: Gate | undefined;
    this.#turn = this.#turn + 1 < count ? this.#turn + 1 : 0;
    for (let index = 0; index < count; index += 1) {
      const gate = this.#ready[(this.#turn + index) % count] as Gate;
      if (best === undefined || gate.outstanding < best.outstanding) best = gate;
    }
    if (best === undefined || best.outstanding >= this.#options.concurrency) return undefined;
    best.outstanding += 1;
    return best;
  }

  /** Gives back a place that `pick` took. */
  release(gate: Gate): void {
    gate.outstanding -= 1;
    if (gate.retired && gate.outstanding === 0) this.#close(gate);
  }

  /** The endpoints that are ready now: all of them. */
  update(endpoints: readonly Endpoint[]): void {
    const wanted = new Set(endpoints.map(({ origin }) => origin));
    for (const [origin, gate] of this.#gates) {
      if (wanted.has(origin)) continue;
      this.#gates.delete(origin);
      this.#retire(gate);
      if (gate.outstanding === 0) this.#close(gate);
    }
    for (const origin of wanted) {
      if (!this.#gates.has(origin)) this.#gates.set(origin, this.#open(origin));
    }
    this.#recount();
  }

  /** `gate` refused a connection: it is out until it accepts one. */
  refused(gate: Gate): void {
    if (!gate.reachable || gate.retired) return;
    gate.reachable = false;
    this.#recount();
    this.#watch(gate);
  }

  /** Closes all connections; requests in flight end as failed. */
  async close(): Promise<void> {
    for (const gate of this.#gates.values()) this.#retire(gate);
    const gates = [...this.#retired];
    this.#retired.clear();
    this.#gates.clear();
    this.#ready = [];
    await Promise.all(gates.map(({ dispatcher }) => dispatcher.destroy()));
  }

  #open(origin: string): Gate {
    const dispatcher = new Pool(origin, {
      connections: this.#options.concurrency,
      pipelining: 1,
      // The attempt has a deadline of its own, over all of the answer.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: 3_000 },
    });
    return { origin, dispatcher, outstanding: 0, reachable: true, retired: false };
  }

  #retire(gate: Gate): void {
    gate.retired = true;
    this.#retired.add(gate);
    this.#probes.get(gate)?.();
    this.#probes.delete(gate);
  }

  #close(gate: Gate): void {
    this.#retired.delete(gate);
    // A pool that fails to close has no request in flight and no way to matter.
    gate.dispatcher.close().catch(() => undefined);
  }

  #recount(): void {
    const before = this.#ready.length;
    this.#ready = [...this.#gates.values()].filter(({ reachable }) => reachable);
    if (this.#ready.length !== before) this.#options.onReadyCount(this.#ready.length);
    if (this.#ready.length > 0) this.#options.onAvailable();
  }

  #watch(gate: Gate): void {
    const stop = untilAccepting(gate.origin, () => {
      this.#probes.delete(gate);
      gate.reachable = true;
      this.#recount();
    });
    this.#probes.set(gate, stop);
  }
}
