// An OpenID provider as it is read: its discovery document and its keys, over HTTPS, each bounded in time and size, with no redirect followed. Nothing is
// asked before there is a token to judge, and one that does not answer is left alone for a while.
import {
  createRemoteJWKSet,
  customFetch,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
  type RemoteJWKSet,
} from 'jose';
import { Agent, request } from 'undici';
import { describeError, MillraceError } from '../contract/errors.ts';

export interface ProviderOptions {
  /** `https://…`, as its tokens have it. */
  readonly issuer: string;
  /** PEM: whom to trust, besides nobody; absent: what Node trusts. */
  readonly ca?: string | undefined;
  readonly times?: Partial<ProviderTimes>;
}

export interface ProviderTimes {
  /** Of reading the keys as a whole, however an answer trickles. */
  readonly limitMs: number;
  /** After keys were read: so long an unknown one is not looked for again. */
  readonly cooldownMs: number;
  /** Keys are read again after it: one that the provider has taken back is not believed for longer. */
  readonly keysMs: number;
  /** After the first failure in a row; doubles with each, up to a limit. */
  readonly firstBackoffMs: number;
}

const usualTimes: ProviderTimes = {
  limitMs: 5_000,
  cooldownMs: 30_000,
  keysMs: 600_000,
  firstBackoffMs: 500,
};
const mostBackoffMs = 30_000;
const mostBytes = 1_048_576;

export type Key = Awaited<ReturnType<RemoteJWKSet>>;

export class OidcProvider {
  readonly #issuer: string;
  readonly #times: ProviderTimes;
  readonly #agent: Agent;
  readonly #keys: RemoteJWKSet;
  readonly #closing = new AbortController();
  #jwksUri: string | undefined;
  #failure: { readonly error: unknown; readonly count: number; readonly untilMs: number } | undefined;

  /** Throws MILLRACE_CONFIG_INVALID where the issuer is no address of one (OpenID Connect Discovery 1.0, section 2). */
  constructor({ issuer, ca, times = {} }: ProviderOptions) {
    const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
    if (url?.protocol !== 'https:' || url.search + url.hash + url.username + url.password !== '')
      throw new MillraceError(
        'MILLRACE_CONFIG_INVALID',
        'the issuer of OpenID Connect is to be an https address without user, query and fragment',
      );
    this.#issuer = issuer;
    this.#times = { ...usualTimes, ...times };
    const { limitMs, cooldownMs, keysMs } = this.#times;
    this.#agent = new Agent({
      connect: { ...(ca === undefined ? {} : { ca }), timeout: limitMs },
      headersTimeout: limitMs,
      bodyTimeout: limitMs,
      maxResponseSize: mostBytes,
    });
    // Where the keys are the provider says itself: the address that is given here is not asked.
    this.#keys = createRemoteJWKSet(new URL(issuer), {
      cooldownDuration: cooldownMs,
      cacheMaxAge: keysMs,
      timeoutDuration: limitMs,
      [customFetch]: async (_, { signal }) => Response.json(await this.#readUnlessFailing(signal)),
    });
  }

  /** With which a token is to be verified. Rejects as jose does where there is none, with MILLRACE_ACCESS_UNKNOWN where that cannot be told. */
  async keyFor(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<Key> {
    return this.#keys(header, token);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#agent.destroy();
  }

  /** After a failure nothing is tried for a while, however many tokens of keys that nobody knows come in. */
  async #readUnlessFailing(signal: AbortSignal): Promise<object> {
    const failure = this.#failure;
    if (failure !== undefined && performance.now() < failure.untilMs) throw failure.error;
    try {
      const keys = await this.#readKeys(AbortSignal.any([signal, this.#closing.signal]));
      this.#failure = undefined;
      return keys;
    } catch (cause) {
      const count = (failure?.count ?? 0) + 1;
      const error = new MillraceError(
        'MILLRACE_ACCESS_UNKNOWN',
        `the OpenID provider ${this.#issuer} does not answer as one`,
        // Not the cause itself, which may hold what was answered.
        { cause: new Error(describeError(cause)) },
      );
      this.#failure = { error, count, untilMs: performance.now() + this.#backoffMs(count) };
      throw error;
    }
  }

  async #readKeys(signal: AbortSignal): Promise<object> {
    const jwksUri = this.#jwksUri ?? (await this.#discover(signal));
    // Where they are not there any more, the document is read again.
    this.#jwksUri = undefined;
    const set = await this.#get(jwksUri, signal);
    if (!Array.isArray(set.keys)) throw new Error(`${jwksUri} answers with no keys`);
    this.#jwksUri = jwksUri;
    return set;
  }

  async #discover(signal: AbortSignal): Promise<string> {
    const url = `${this.#issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const { issuer, jwks_uri: jwksUri } = await this.#get(url, signal);
    if (issuer !== this.#issuer) throw new Error(`${url} is of another issuer`);
    if (typeof jwksUri === 'string' && URL.canParse(jwksUri) && new URL(jwksUri).protocol === 'https:')
      return jwksUri;
    throw new Error(`${url} names no https address of keys`);
  }

  async #get(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
    const headers = { accept: 'application/json', 'user-agent': 'millrace' };
    const { statusCode, body } = await request(url, { headers, dispatcher: this.#agent, signal });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${url} answers ${statusCode}`);
    const value = parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    throw new Error(`${url} answers with no JSON object`);
  }

  /** Half of it at random: replicas do not come back together. */
  #backoffMs(count: number): number {
    const limitMs = Math.min(mostBackoffMs, this.#times.firstBackoffMs * 2 ** Math.min(count - 1, 10));
    return limitMs / 2 + (Math.random() * limitMs) / 2;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
