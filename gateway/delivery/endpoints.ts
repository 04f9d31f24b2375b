// The ready endpoints of one function: picks the least busy one for each request, and learns from the result.
// No endpoint gets more requests at a time than its limit. One that refuses connections gets none until it accepts one again;
// `circuit.ts` stops requests to one that keeps failing. `pooled-endpoint.ts` holds the connections.
import type { ErrorBoundary } from '../../core/contract/error-boundary.ts';
import type { FunctionTlsCredentials } from '../../core/contract/function-access.ts';
import type { Endpoint } from '../../core/contract/endpoint-source.ts';
import type { FunctionSettings } from '../../core/contract/subscription.ts';
import type { ConnectGuard } from '../../core/network/connect-guard.ts';
import type { AttemptResult } from './attempt.ts';
import { healthSignalOf, type HealthSignal } from './health-signal.ts';
import type { Connecting } from '../http/dial.ts';
import { PooledEndpoint } from './pooled-endpoint.ts';
import { parseRetryAfter } from '../../core/network/retry-after.ts';

/** Why there is no connection. */
type Unreachable = Pick<AttemptResult & { kind: 'unreachable' }, 'reason' | 'code'>;

export interface EndpointsOptions {
  /** What a timer or a probe throws ends there. */
  readonly boundary: ErrorBoundary;
  /** Requests in flight per endpoint, or the bounds between which that limit is learned. */
  readonly concurrency: FunctionSettings['concurrency'];
  /** A longer `Retry-After` counts as this. */
  readonly retryAfterMaxMs: number;
  /** `pick` may find an endpoint now, after it found none. */
  readonly onAvailable: () => void;
  /** Called with the number of ready endpoints whenever it changes. */
  readonly onReadyCount: (ready: number) => void;
  /** Which addresses may be connected to; absent: any. */
  readonly guard?: ConnectGuard | undefined;
  /** Present: requests go by https, whatever the origins say. Connections that are made after `renew` use what it returns then. */
  readonly tls?: (() => FunctionTlsCredentials | undefined) | undefined;
  /** An endpoint refused a connection. It gets no requests until it accepts one. */
  readonly onUnreachable: (origin: string, why: Unreachable) => void;
  /** The circuit of an endpoint opened, or closed again. */
  readonly onCircuit: (origin: string, change: 'opened' | 'closed') => void;
}

/** Ranks an endpoint behind all that are not avoided, however many requests these have in flight. */
const avoidedRank = 2 ** 31;

export class Endpoints {
  readonly #options: EndpointsOptions;
  readonly #byOrigin = new Map<string, PooledEndpoint>();
  /** Endpoints that were removed and still have requests in flight. */
  readonly #retired = new Set<PooledEndpoint>();
  #currentTls: FunctionTlsCredentials | undefined;
  #ready: PooledEndpoint[] = [];
  #turn = 0;
  /** Runs after a pick found only open circuits, until the first of them may be tried. */
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

  /** For each ready endpoint, how many requests may be in flight. */
  get limits(): number[] {
    return this.#ready.map(({ limit }) => limit);
  }

  /** The part of a trigger's snapshot that is about its endpoints. */
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
   * Picks the ready endpoint with the fewest requests in flight among those with room, and takes a place at it. An endpoint whose
   * open circuit may be tried comes first; avoided ones come last. The scan covers all endpoints: for a hundred of them it costs
   * less than any other part of a request.
   */
  pick(): PooledEndpoint | undefined {
    const count = this.#ready.length;
    let best: PooledEndpoint | undefined;
    let bestRank = 0;
    let dueMs = Infinity;
    this.#turn = this.#turn + 1 < count ? this.#turn + 1 : 0;
    for (let index = 0; index < count; index += 1) {
      const endpoint = this.#ready[(this.#turn + index) % count] as PooledEndpoint;
      if (endpoint.outstanding >= endpoint.limit) continue;
      let rank = endpoint.outstanding;
      if (endpoint.circuit.isTroubled) {
        const nowMs = performance.now();
        if (endpoint.circuit.dueMs > nowMs) {
          dueMs = Math.min(dueMs, endpoint.circuit.dueMs);
          continue;
        }
        rank = endpoint.circuit.isOpen ? -1 : rank + (endpoint.circuit.isAvoided(nowMs) ? avoidedRank : 0);
      }
      if (best !== undefined && rank >= bestRank) continue;
      best = endpoint;
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

  /** Learns from the result of a request. `inFlight`: requests in flight at the endpoint when this one was sent, itself included. */
  learn(endpoint: PooledEndpoint, result: AttemptResult, tookMs: number, inFlight: number): void {
    const { circuit, learned } = endpoint;
    const sign = healthSignalOf(result);
    if (sign === 'none' || endpoint.retired) return;
    const isWell = sign === 'served' && !circuit.isTroubled;
    if (isWell && learned === undefined) return;
    const nowMs = performance.now();
    if (learned !== undefined) {
      learned.learn(sign, tookMs, inFlight, nowMs);
      endpoint.limit = learned.current;
    }
    if (!isWell) this.#updateCircuit(endpoint, sign, nowMs - tookMs, nowMs, this.#askedMs(result));
  }

  /** Returns a place that `pick` took. */
  release(endpoint: PooledEndpoint): void {
    endpoint.outstanding -= 1;
    if (endpoint.retired && endpoint.outstanding === 0) this.#close(endpoint);
  }

  /** Replaces the ready endpoints by these. */
  update(endpoints: readonly Endpoint[]): void {
    const scheme = this.#options.tls === undefined ? undefined : 'https:';
    const wanted = new Set(endpoints.map(({ origin }) => withScheme(origin, scheme)));
    for (const [origin, endpoint] of this.#byOrigin) {
      if (wanted.has(origin)) continue;
      this.#byOrigin.delete(origin);
      this.#retire(endpoint);
      if (endpoint.outstanding === 0) this.#close(endpoint);
    }
    for (const origin of wanted) {
      if (!this.#byOrigin.has(origin)) this.#byOrigin.set(origin, this.#open(origin));
    }
    this.#recount();
  }

  /** `endpoint` refused a connection: it gets no requests until it accepts one. */
  refused(endpoint: PooledEndpoint, why: Unreachable): void {
    if (!endpoint.reachable || endpoint.retired) return;
    endpoint.reachable = false;
    this.#options.onUnreachable(endpoint.origin, why);
    this.#recount();
    endpoint.probe(this.#options.boundary.guard(() => this.#recount()));
  }

  /** Replaces all connections where `tls` returns other credentials now. The old ones close when the requests in flight on them end. */
  renew(): void {
    const tls = this.#options.tls?.();
    if (tls === this.#currentTls) return;
    this.#currentTls = tls;
    for (const endpoint of this.#byOrigin.values()) endpoint.renew();
  }

  /** Closes all connections; requests in flight end as failed. */
  close(): void {
    for (const endpoint of this.#byOrigin.values()) this.#retire(endpoint);
    const endpoints = [...this.#retired];
    this.#retired.clear();
    this.#byOrigin.clear();
    this.#ready = [];
    clearTimeout(this.#circuitTimer);
    this.#circuitTimer = undefined;
    for (const endpoint of endpoints) endpoint.destroy();
  }

  #open(origin: string): PooledEndpoint {
    const { concurrency, guard, tls } = this.#options;
    const connecting = (): Connecting => ({ guard, tls: tls?.() });
    return new PooledEndpoint(origin, concurrency, connecting);
  }

  #updateCircuit(
    endpoint: PooledEndpoint,
    sign: HealthSignal,
    startedMs: number,
    nowMs: number,
    askedMs: number,
  ): void {
    const { circuit, origin } = endpoint;
    const change =
      sign === 'failing'
        ? circuit.failed(startedMs, nowMs, askedMs, this.#hasOthers(endpoint))
        : circuit.answered(nowMs, askedMs);
    if (change !== undefined) this.#options.onCircuit(origin, change);
  }

  #hasOthers(endpoint: PooledEndpoint): boolean {
    return this.#ready.some((other) => other !== endpoint && !other.circuit.isOpen);
  }

  /** The delay that the function asked for by `Retry-After`, limited to `retryAfterMaxMs`. */
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
    const retry = this.#options.boundary.guard(() => {
      this.#circuitTimer = undefined;
      this.#options.onAvailable();
    });
    this.#circuitTimer = setTimeout(retry, Math.ceil(dueMs - performance.now()) + 1);
  }

  #retire(endpoint: PooledEndpoint): void {
    endpoint.retire();
    this.#retired.add(endpoint);
  }

  #close(endpoint: PooledEndpoint): void {
    this.#retired.delete(endpoint);
    endpoint.close();
  }

  #recount(): void {
    const before = this.#ready.length;
    this.#ready = [...this.#byOrigin.values()].filter(({ reachable }) => reachable);
    if (this.#ready.length !== before) this.#options.onReadyCount(this.#ready.length);
    if (this.#ready.length > 0) this.#options.onAvailable();
  }
}

/** `origin` with `scheme`, where one is given: the discovery of pods does not know about TLS. */
function withScheme(origin: string, scheme: string | undefined): string {
  return scheme === undefined ? origin : origin.replace(/^https?:/, scheme);
}
