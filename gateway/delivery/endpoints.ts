// The ready endpoints of one function: picks the least busy one for each request, and learns from what came of it.
// No endpoint gets more requests at a time than its limit. One that refuses connections gets none until it accepts one again;
// `circuit.ts` stops requests to one that keeps failing. `pooled-endpoint.ts` holds the connections.
import type { FunctionTlsCredentials } from '../../core/contract/function-access.ts';
import type { Endpoint } from '../../core/contract/endpoint-source.ts';
import type { FunctionSettings } from '../../core/contract/subscription.ts';
import type { ConnectGuard } from '../../core/network/connect-guard.ts';
import type { AttemptResult } from './attempt.ts';
import { signOf, type Sign } from './endpoint-sign.ts';
import type { Connecting } from './function-connector.ts';
import { PooledEndpoint } from './pooled-endpoint.ts';
import { parseRetryAfter } from './retry-after.ts';

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

/** Comes after whatever may be outstanding elsewhere. */
const avoidedRank = 2 ** 31;

export class Endpoints {
  readonly #options: EndpointsOptions;
  readonly #byOrigin = new Map<string, PooledEndpoint>();
  /** Endpoints that are gone, and still have requests in flight. */
  readonly #retired = new Set<PooledEndpoint>();
  #shownTls: FunctionTlsCredentials | undefined;
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

  /** What the result of a request says of the endpoint; `inFlight` were outstanding with it when it was sent. */
  learn(endpoint: PooledEndpoint, result: AttemptResult, tookMs: number, inFlight: number): void {
    const { circuit, learned } = endpoint;
    const sign = signOf(result);
    if (sign === 'none' || endpoint.retired) return;
    const isWell = sign === 'served' && !circuit.isTroubled;
    if (isWell && learned === undefined) return;
    const nowMs = performance.now();
    if (learned !== undefined) {
      learned.learn(sign, tookMs, inFlight, nowMs);
      endpoint.limit = learned.current;
    }
    if (!isWell) this.#judge(endpoint, sign, nowMs - tookMs, nowMs, this.#askedMs(result));
  }

  /** Gives back a place that `pick` took. */
  release(endpoint: PooledEndpoint): void {
    endpoint.outstanding -= 1;
    if (endpoint.retired && endpoint.outstanding === 0) this.#close(endpoint);
  }

  /** The endpoints that are ready now: all of them. */
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

  /** `endpoint` refused a connection: it is out until it accepts one. */
  refused(endpoint: PooledEndpoint, why: Unreachable): void {
    if (!endpoint.reachable || endpoint.retired) return;
    endpoint.reachable = false;
    this.#options.onUnreachable(endpoint.origin, why);
    this.#recount();
    endpoint.probe(() => this.#recount());
  }

  /** New connections show what `tls` gives now; where that is another, the old ones end with what is in flight on them. */
  renew(): void {
    const tls = this.#options.tls?.();
    if (tls === this.#shownTls) return;
    this.#shownTls = tls;
    for (const endpoint of this.#byOrigin.values()) endpoint.renew();
  }

  /** Closes all connections; requests in flight end as failed. */
  async close(): Promise<void> {
    for (const endpoint of this.#byOrigin.values()) this.#retire(endpoint);
    const endpoints = [...this.#retired];
    this.#retired.clear();
    this.#byOrigin.clear();
    this.#ready = [];
    clearTimeout(this.#circuitTimer);
    this.#circuitTimer = undefined;
    await Promise.all(endpoints.map((endpoint) => endpoint.destroy()));
  }

  #open(origin: string): PooledEndpoint {
    const { concurrency, guard, tls } = this.#options;
    const connecting = (): Connecting => ({ guard, tls: tls?.() });
    return new PooledEndpoint(origin, concurrency, connecting);
  }

  #judge(endpoint: PooledEndpoint, sign: Sign, startedMs: number, nowMs: number, askedMs: number): void {
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

/** `origin` with `scheme`, where there is one: what finds pods knows nothing of TLS. */
function withScheme(origin: string, scheme: string | undefined): string {
  return scheme === undefined ? origin : origin.replace(/^https?:/, scheme);
}
