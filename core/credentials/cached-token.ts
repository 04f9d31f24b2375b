// A token that is asked for once for all who wait, cached, and renewed before it expires. Whoever gives them is left alone for a while after a
// failure. No token is ever part of an error.
import { MillraceError } from '../contract/errors.ts';

export interface Grant {
  readonly accessToken: string;
  /** From when it was asked for; undefined where the answer does not say. */
  readonly lifetimeMs: number | undefined;
}

export interface CachedToken {
  /** One that holds. Rejects as `ask` does; for some time after that with the same error, without asking again. */
  current(): Promise<string>;
  /** Whom it was shown does not take `value`: it is shown no more, unless it has just been given. */
  refused(value: string): void;
  /** Whoever waits is rejected, where `ask` heeds its signal. */
  close(): void;
}

/** Who asks whom for what: a token is good for no other. */
export interface TokenClient {
  readonly identity: string;
  /** With what it is tried: something else is worth a try at once. */
  readonly proof: string;
  ask(signal: AbortSignal): Promise<Grant>;
}

export interface CachedTokenOptions {
  /** Asked at each call of `current`: what it says may change at any time. */
  readonly client: () => TokenClient;
  /** In ms since 1970. */
  readonly now?: (() => number) | undefined;
  /** From 0 to below 1. */
  readonly random?: (() => number) | undefined;
  /** Of a whole request, however it trickles. */
  readonly limitMs?: number | undefined;
  /** So long a token that is refused stays cached, for another would be no better. */
  readonly leastUseMs?: number | undefined;
}

const usualLimitMs = 20_000;
const firstBackoffMs = 500;
const mostBackoffMs = 30_000;
/** Of a token that does not say. */
const usualLifetimeMs = 300_000;
/** Of any token: a clock that is wrong must not make a request of every question. */
const leastLifetimeMs = 1_000;
const usualLeastUseMs = 10_000;
/** Of its lifetime, after which a token is renewed; sooner where less than this were left then, for a session lasts as long as its token. */
const renewal = { share: 0.8, leftMs: 20_000 };
/** Of its lifetime, and in ms: so long before its end a token is not shown any more, which takes time to arrive and opens a session. */
const margin = { share: 0.05, leastMs: 3_000, mostMs: 10_000 };

export function createCachedToken(options: CachedTokenOptions): CachedToken {
  return new TokenCache(options);
}

interface TokenState {
  readonly identity: string;
  held?: Held | undefined;
  /** Single flight. */
  pending?: Promise<Held> | undefined;
  failure?: Failure | undefined;
}

interface Held {
  readonly value: string;
  readonly askedAtMs: number;
  readonly renewAtMs: number;
  readonly lapsesAtMs: number;
}

interface Failure {
  readonly error: unknown;
  readonly proof: string;
  /** In a row. */
  readonly count: number;
  readonly untilMs: number;
}

class TokenCache implements CachedToken {
  readonly #client: () => TokenClient;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #limitMs: number;
  readonly #leastUseMs: number;
  readonly #closing = new AbortController();
  #state: TokenState = { identity: '' };

  constructor(options: CachedTokenOptions) {
    const { client, now = Date.now, random = Math.random } = options;
    this.#client = client;
    this.#now = now;
    this.#random = random;
    this.#limitMs = options.limitMs ?? usualLimitMs;
    this.#leastUseMs = options.leastUseMs ?? usualLeastUseMs;
  }

  async current(): Promise<string> {
    if (this.#closing.signal.aborted)
      throw new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'no token is asked for any more: it is closed');
    const client = this.#client();
    if (client.identity !== this.#state.identity) this.#state = { identity: client.identity };
    const state = this.#state;
    const [held, nowMs] = [state.held, this.#now()];
    if (held !== undefined && nowMs < held.renewAtMs) return held.value;
    const renewed = this.#renew(state, client);
    if (held === undefined || nowMs >= held.lapsesAtMs) return (await renewed).value;
    // The old one serves on, however the renewal ends.
    renewed.catch(() => undefined);
    return held.value;
  }

  refused(value: string): void {
    const { held } = this.#state;
    if (held?.value === value && this.#now() - held.askedAtMs >= this.#leastUseMs)
      this.#state.held = undefined;
  }

  close(): void {
    this.#closing.abort();
  }

  async #renew(state: TokenState, client: TokenClient): Promise<Held> {
    if (state.pending !== undefined) return state.pending;
    const { failure } = state;
    if (failure?.proof === client.proof && this.#now() < failure.untilMs) throw failure.error;
    state.pending = this.#ask(state, client).finally(() => (state.pending = undefined));
    return state.pending;
  }

  async #ask(state: TokenState, client: TokenClient): Promise<Held> {
    const { proof } = client;
    const askedAtMs = this.#now();
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#limitMs)]);
    try {
      state.held = holdOf(await client.ask(signal), askedAtMs);
      state.failure = undefined;
      return state.held;
    } catch (error) {
      const count = state.failure?.proof === proof ? state.failure.count + 1 : 1;
      const untilMs = this.#now() + backoffMs(count, this.#random);
      state.failure = { error, proof, count, untilMs };
      throw error;
    }
  }
}

/** Full jitter: gateways that failed together do not come back together. */
function backoffMs(count: number, random: () => number): number {
  return random() * Math.min(mostBackoffMs, firstBackoffMs * 2 ** (count - 1));
}

function holdOf({ accessToken, lifetimeMs: said }: Grant, askedAtMs: number): Held {
  const own = said ?? (expiryOf(accessToken) ?? askedAtMs + usualLifetimeMs) - askedAtMs;
  const lifetimeMs = Math.max(own, leastLifetimeMs);
  const renewMs = Math.min(lifetimeMs * renewal.share, Math.max(lifetimeMs - renewal.leftMs, lifetimeMs / 2));
  const wantedMs = Math.max(lifetimeMs * margin.share, margin.leastMs);
  const marginMs = Math.min(wantedMs, margin.mostMs, lifetimeMs / 2);
  return {
    value: accessToken,
    askedAtMs,
    renewAtMs: askedAtMs + renewMs,
    lapsesAtMs: askedAtMs + lifetimeMs - marginMs,
  };
}

/** The `exp` of a JWT, in ms since 1970 (RFC 7519, section 4.1.4); undefined where the token is none. */
function expiryOf(accessToken: string): number | undefined {
  try {
    const payload = Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString();
    const { exp } = JSON.parse(payload) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}
