// Caches a token, and renews it in the background before it expires. All who wait share one request; after a failure there is a backoff.
// No error contains a token.
import { MillraceError } from '../contract/errors.ts';

export interface Grant {
  readonly accessToken: string;
  /** Counts from the request; undefined if the answer does not say. */
  readonly lifetimeMs: number | undefined;
}

export interface CachedToken {
  /** A valid token. Rejects as `ask` does, and during the backoff with the same error at once. */
  current(): Promise<string>;
  /** A peer has refused the token `value`. It is not used again, unless it is newer than `leastUseMs`. */
  refused(value: string): void;
  /** Rejects those who wait, provided that `ask` obeys its signal. */
  close(): void;
}

/** The client, its provider and what it asks for. A token belongs to exactly one `identity`. */
export interface TokenClient {
  readonly identity: string;
  /** What the request proves the identity with. Another proof is tried at once, without backoff. */
  readonly proof: string;
  ask(signal: AbortSignal): Promise<Grant>;
}

export interface CachedTokenOptions {
  /** Read at each call of `current`, because the client may change at any time. */
  readonly client: () => TokenClient;
  /** In ms since 1970. */
  readonly now?: (() => number) | undefined;
  /** From 0 to below 1. */
  readonly random?: (() => number) | undefined;
  /** Limit for a whole request, however slowly its answer arrives. */
  readonly limitMs?: number | undefined;
  /** A refused token stays cached until this age, because another would be no better. */
  readonly leastUseMs?: number | undefined;
}

const usualLimitMs = 20_000;
const firstBackoffMs = 500;
const mostBackoffMs = 30_000;
/** Lifetime of a token that does not say. */
const usualLifetimeMs = 300_000;
/** Minimum for any token, so that a wrong clock does not cause a request for each call. */
const leastLifetimeMs = 1_000;
const usualLeastUseMs = 10_000;
/**
 * Share of its lifetime after which a token is renewed. Earlier if less than `leftMs` would be left then, because a session lasts as long
 * as its token.
 */
const renewal = { share: 0.8, leftMs: 20_000 };
/** A token is not used during this last part of its lifetime, because it takes time to arrive and to open a session. */
const margin = { share: 0.05, leastMs: 3_000, mostMs: 10_000 };

export function createCachedToken(options: CachedTokenOptions): CachedToken {
  return new TokenCache(options);
}

interface TokenState {
  readonly identity: string;
  token?: TimedToken | undefined;
  /** The one request in flight. */
  pending?: Promise<TimedToken> | undefined;
  failure?: Failure | undefined;
}

interface TimedToken {
  readonly value: string;
  readonly askedAtMs: number;
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
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
      throw new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'no token is requested: the client is closed');
    const client = this.#client();
    if (client.identity !== this.#state.identity) this.#state = { identity: client.identity };
    const state = this.#state;
    const [token, nowMs] = [state.token, this.#now()];
    if (token !== undefined && nowMs < token.renewAtMs) return token.value;
    const renewed = this.#renew(state, client);
    if (token === undefined || nowMs >= token.expiresAtMs) return (await renewed).value;
    // The old token is used on, however the renewal ends.
    renewed.catch(() => undefined);
    return token.value;
  }

  refused(value: string): void {
    const { token } = this.#state;
    if (token?.value === value && this.#now() - token.askedAtMs >= this.#leastUseMs)
      this.#state.token = undefined;
  }

  close(): void {
    this.#closing.abort();
  }

  async #renew(state: TokenState, client: TokenClient): Promise<TimedToken> {
    if (state.pending !== undefined) return state.pending;
    const { failure } = state;
    if (failure?.proof === client.proof && this.#now() < failure.untilMs) throw failure.error;
    state.pending = this.#ask(state, client).finally(() => (state.pending = undefined));
    return state.pending;
  }

  async #ask(state: TokenState, client: TokenClient): Promise<TimedToken> {
    const { proof } = client;
    const askedAtMs = this.#now();
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#limitMs)]);
    try {
      state.token = withTimes(await client.ask(signal), askedAtMs);
      state.failure = undefined;
      return state.token;
    } catch (error) {
      const count = state.failure?.proof === proof ? state.failure.count + 1 : 1;
      const untilMs = this.#now() + backoffMs(count, this.#random);
      state.failure = { error, proof, count, untilMs };
      throw error;
    }
  }
}

/** With full jitter, so that gateways that failed together do not retry together. */
function backoffMs(count: number, random: () => number): number {
  return random() * Math.min(mostBackoffMs, firstBackoffMs * 2 ** (count - 1));
}

function withTimes({ accessToken, lifetimeMs: given }: Grant, askedAtMs: number): TimedToken {
  const own = given ?? (expiryOf(accessToken) ?? askedAtMs + usualLifetimeMs) - askedAtMs;
  const lifetimeMs = Math.max(own, leastLifetimeMs);
  const renewMs = Math.min(lifetimeMs * renewal.share, Math.max(lifetimeMs - renewal.leftMs, lifetimeMs / 2));
  const wantedMs = Math.max(lifetimeMs * margin.share, margin.leastMs);
  const marginMs = Math.min(wantedMs, margin.mostMs, lifetimeMs / 2);
  return {
    value: accessToken,
    askedAtMs,
    renewAtMs: askedAtMs + renewMs,
    expiresAtMs: askedAtMs + lifetimeMs - marginMs,
  };
}

/** The `exp` of a JWT, in ms since 1970 (RFC 7519, section 4.1.4); undefined if the token is no JWT, or has none. */
function expiryOf(accessToken: string): number | undefined {
  try {
    const payload = Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString();
    const { exp } = JSON.parse(payload) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}
