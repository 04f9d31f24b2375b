// The ready endpoints of one function: the least busy one is next, none gets more than `concurrency` requests at a time,
// one that refuses connections is left alone until it takes them again, and one that fails for a while (`circuit.ts`).
import { Pool, type Dispatcher } from 'undici';
import type { FunctionTlsCredentials } from '../../core/contract/function-access.ts';
import type { Endpoint } from '../../core/contract/endpoint-source.ts';
import type { FunctionSettings } from '../../core/contract/subscription.ts';
import type { ConnectGuard } from '../../core/network/connect-guard.ts';
import type { AttemptResult } from './attempt.ts';
import { Circuit } from './circuit.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { createConnector, type Connecting } from './function-connector.ts';
import { untilAccepting } from './probe-endpoint.ts';
import { parseRetryAfter } from './retry-after.ts';
import { signOf, type Sign } from './endpoint-sign.ts';

/** Why there is no connection. */
type Unreachable = Pick<AttemptResult & { kind: 'unreachable' }, 'reason' | 'code'>;

export interface EndpointsOptions {
  /** Requests in flight per endpoint. */
  readonly concurrency: FunctionSettings['concurrency'];
  /** The longest `Retry-After` that is honoured. */
  readonly retryAfterMaxMs: number;
  /** There may be an endpoint to `pick` now, where there was none. */
  readonly onAvailable: () => void;
  /** How many endpoints are ready, whenever that changes. */
  readonly onReadyCount: (ready: number) => void;
  /** Which addresses may be connected to; absent: any. */
  readonly guard?: ConnectGuard | undefined;
  /** Present: requests go by https, whatever the origins say; what it gives is shown in new connections, from `renew` on. */
  readonly tls?: (() => FunctionTlsCredentials | undefined) | undefined;
  /** An endpoint is out until it accepts a connection. */
  readonly onUnreachable: (origin: string, why: Unreachable) => void;
  /** The circuit of an endpoint opened, or closed again. */
  readonly onCircuit: (origin: string, change: 'opened' | 'closed') => void;
}

/** An endpoint with its connections. */
export interface PooledEndpoint {
  readonly origin: string;
  dispatcher: Dispatcher;
  outstanding: number;
  /** How many may be outstanding. */
  limit: number;
  /** What `limit` is learned by. */
  readonly learned: ConcurrencyLimit | undefined;
  readonly circuit: Circuit;
  reachable: boolean;
  /** No longer among the ready endpoints: nothing new is sent, what is in flight may end. */
  retired: boolean;
}

/** Comes after whatever may be outstanding elsewhere. */
const avoidedRank = 2 ** 31;

export class Endpoints {
  readonly #options: EndpointsOptions;
  readonly #gates = new Map<string, PooledEndpoint>();
  /** Those that finish what is in flight. */
  readonly #retired = new Set<PooledEndpoint>();
  /** Their connections show what was shown before; what is in flight on them ends. */
  readonly #draining = new Set<Dispatcher>();
  #shownTls: FunctionTlsCredentials | undefined;
  readonly #probes = new Map<PooledEndpoint, () => void>();
  #ready: PooledEndpoint[] = [];
  #turn = 0;
  /** Runs while a pick failed for open circuits alone, until the first of them is due. */
  #circuitTimer: NodeJS.Timeout | undefined;
  #circuitDueMs = Infinity;

  constructor(options: EndpointsOptions) {
    this.#options = options;
  }

  get readyCount(): number {
    return this.#ready.length;
  }

  get openCircuits(): number {
    return this.#ready.reduce((count, { circuit }) => count + (circuit.isOpen ? 1 : 0), 0);
  }

  /** Requests that may be in flight at each of the ready endpoints. */
  get limits(): number[] {
    return this.#ready.map(({ limit }) => limit);
  }

  /** As they are told of a running trigger. */
  get figures() {
    const { readyCount, openCircuits, limits } = this;
    return {
      readyEndpoints: readyCount,
      openCircuits,
      concurrencyLimit: limits.reduce((sum, limit) => sum + limit, 0),
      lowestConcurrencyLimit: limits.length === 0 ? 0 : Math.min(...limits),
    };
  }

  /**
   * The ready endpoint with the fewest requests in flight, of those with room; its place is taken. One whose open circuit may
   * be tried is first, those that are to be avoided are last. All are looked at: for a hundred of them that costs less than
   * anything else about a request.
   */
  pick(): PooledEndpoint | undefined {
    const count = this.#ready.length;
    let best: PooledEndpoint | undefined;
    let bestRank = 0;
    let dueMs = Infinity;
    this.#turn = this.#turn + 1 < count ? this.#turn + 1 : 0;
    for (let index = 0; index < count; index += 1) {
      const gate = this.#ready[(this.#turn + index) % count] as PooledEndpoint;
      if (gate.outstanding >= gate.limit) continue;
      let rank = gate.outstanding;
      if (gate.circuit.isTroubled) {
        const nowMs = performance.now();
        if (gate.circuit.dueMs > nowMs) {
          dueMs = Math.min(dueMs, gate.circuit.dueMs);
          continue;
        }
        rank = gate.circuit.isOpen ? -1 : rank + (gate.circuit.isAvoided(nowMs) ? avoidedRank : 0);
      }
      if (best !== undefined && rank >= bestRank) continue;
      best = gate;
      bestRank = rank;
    }
    if (best !== undefined) {
      best.outstanding += 1;
      if (best.circuit.isOpen) best.circuit.sent(performance.now());
    } else if (dueMs < Infinity) {
      this.#waitForCircuit(dueMs);
    }
    return best;
  }

  /** What the result of a request says of the endpoint; `inFlight` were outstanding with it when it was sent. */
  learn(gate: PooledEndpoint, result: AttemptResult, tookMs: number, inFlight: number): void {
    const { circuit, learned } = gate;
    const sign = signOf(result);
    if (sign === 'none' || gate.retired) return;
    const isWell = sign === 'served' && !circuit.isTroubled;
    if (isWell && learned === undefined) return;
    const nowMs = performance.now();
    if (learned !== undefined) {
      learned.learn(sign, tookMs, inFlight, nowMs);
      gate.limit = learned.current;
    }
    if (!isWell) this.#judge(gate, sign, nowMs - tookMs, nowMs, this.#askedMs(result));
  }

  /** Gives back a place that `pick` took. */
  release(gate: PooledEndpoint): void {
    gate.outstanding -= 1;
    if (gate.retired && gate.outstanding === 0) this.#close(gate);
  }

  /** The endpoints that are ready now: all of them. */
  update(endpoints: readonly Endpoint[]): void {
    const scheme = this.#options.tls === undefined ? undefined : 'https:';
    const wanted = new Set(endpoints.map(({ origin }) => withScheme(origin, scheme)));
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
  refused(gate: PooledEndpoint, why: Unreachable): void {
    if (!gate.reachable || gate.retired) return;
    gate.reachable = false;
    this.#options.onUnreachable(gate.origin, why);
    this.#recount();
    this.#watch(gate);
  }

  /** New connections show what `tls` gives now; where that is another, the old ones end with what is in flight on them. */
  renew(): void {
    const tls = this.#options.tls?.();
    if (tls === this.#shownTls) return;
    this.#shownTls = tls;
    for (const gate of this.#gates.values()) {
      const old = gate.dispatcher;
      gate.dispatcher = this.#connect(gate.origin);
      this.#draining.add(old);
      old.close().then(
        () => this.#draining.delete(old),
        () => undefined,
      );
    }
  }

  /** Closes all connections; requests in flight end as failed. */
  async close(): Promise<void> {
    for (const gate of this.#gates.values()) this.#retire(gate);
    const gates = [...this.#retired];
    this.#retired.clear();
    this.#gates.clear();
    this.#ready = [];
    clearTimeout(this.#circuitTimer);
    this.#circuitTimer = undefined;
    const dispatchers = [...gates.map(({ dispatcher }) => dispatcher), ...this.#draining];
    await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()));
  }

  #open(origin: string): PooledEndpoint {
    const { concurrency } = this.#options;
    const isLearned = typeof concurrency === 'object';
    const learned = isLearned ? new ConcurrencyLimit(concurrency) : undefined;
    return {
      origin,
      dispatcher: this.#connect(origin),
      outstanding: 0,
      limit: isLearned ? concurrency.min : concurrency,
      learned,
      circuit: new Circuit(Math.random),
      reachable: true,
      retired: false,
    };
  }

  #connect(origin: string): Dispatcher {
    const { concurrency } = this.#options;
    return new Pool(origin, {
      connections: typeof concurrency === 'object' ? concurrency.max : concurrency,
      pipelining: 1,
      // The attempt has a deadline of its own, over all of the answer.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: createConnector(this.#connecting()),
    });
  }

  #connecting(): Connecting {
    const { guard, tls } = this.#options;
    return { guard, tls: tls?.() };
  }

  #judge(gate: PooledEndpoint, sign: Sign, startedMs: number, nowMs: number, askedMs: number): void {
    const { circuit, origin } = gate;
    const change =
      sign === 'failing'
        ? circuit.failed(startedMs, nowMs, askedMs, this.#hasOthers(gate))
        : circuit.answered(nowMs, askedMs);
    if (change !== undefined) this.#options.onCircuit(origin, change);
  }

  #hasOthers(gate: PooledEndpoint): boolean {
    return this.#ready.some((other) => other !== gate && !other.circuit.isOpen);
  }

  /** How long the function asked to be left alone, within what is honoured. */
  #askedMs(result: AttemptResult): number {
    if (result.kind !== 'answered' || (result.status !== 429 && result.status !== 503)) return 0;
    const { 'retry-after': value } = result.headers;
    const askedMs = parseRetryAfter(typeof value === 'object' ? value[0] : value, Date.now());
    return Math.min(askedMs ?? 0, this.#options.retryAfterMaxMs);
  }

  #waitForCircuit(dueMs: number): void {
    if (this.#circuitTimer !== undefined && this.#circuitDueMs <= dueMs) return;
    clearTimeout(this.#circuitTimer);
    this.#circuitDueMs = dueMs;
    this.#circuitTimer = setTimeout(
      () => {
        this.#circuitTimer = undefined;
        this.#options.onAvailable();
      },
      Math.ceil(dueMs - performance.now()) + 1,
    );
  }

  #retire(gate: PooledEndpoint): void {
    gate.retired = true;
    this.#retired.add(gate);
    this.#probes.get(gate)?.();
    this.#probes.delete(gate);
  }

  #close(gate: PooledEndpoint): void {
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

  #watch(gate: PooledEndpoint): void {
    const onAccepting = (): void => {
      this.#probes.delete(gate);
      gate.reachable = true;
      this.#recount();
    };
    const stop = untilAccepting(gate.origin, onAccepting, () => this.#connecting());
    this.#probes.set(gate, stop);
  }
}

/** `origin` with `scheme`, where there is one: what finds pods knows nothing of TLS. */
function withScheme(origin: string, scheme: string | undefined): string {
  return scheme === undefined ? origin : origin.replace(/^https?:/, scheme);
}
