// Reads an OpenID provider: its discovery document and its keys, over HTTPS, with limits on time and size, and without following redirects.
// Nothing is requested before the first token arrives. After a failure there are no requests for a while.
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
  /** PEM: the only CAs to trust; absent: those that Node.js trusts. */
  readonly ca?: string | undefined;
  readonly times?: Partial<ProviderTimes>;
}

export interface ProviderTimes {
  /** Limit for reading the keys as a whole, however slowly an answer arrives. */
  readonly limitMs: number;
  /** How long after a read of the keys an unknown key causes no other read. */
  readonly cooldownMs: number;
  /** Keys are read again after this time, so a key that the provider has removed is not trusted for longer. */
  readonly keysMs: number;
  /** Backoff after the first failure; doubles with each further one in a row, up to a limit. */
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

  /** Throws MILLRACE_CONFIG_INVALID if `issuer` cannot be an issuer (OpenID Connect Discovery 1.0, section 2). */
  constructor({ issuer, ca, times = {} }: ProviderOptions) {
    const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
    if (url?.protocol !== 'https:' || url.search + url.hash + url.username + url.password !== '')
      throw new MillraceError(
        'MILLRACE_CONFIG_INVALID',
        'the issuer of OpenID Connect must be an https URL without user, query and fragment',
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
    // The URL here is never requested: the discovery document names that of the keys.
    this.#keys = createRemoteJWKSet(new URL(issuer), {
      cooldownDuration: cooldownMs,
      cacheMaxAge: keysMs,
      timeoutDuration: limitMs,
      [customFetch]: async (_, { signal }) => Response.json(await this.#readUnlessFailing(signal)),
    });
  }

  /** The key to verify a token with. Rejects as jose does if there is none, and with MILLRACE_ACCESS_UNKNOWN if the keys cannot be read. */
  async keyFor(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<Key> {
    return this.#keys(header, token);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#agent.destroy();
  }

  /** After a failure there is no request for a while, however many tokens with unknown keys arrive. */
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
        `cannot read the keys of the OpenID provider ${this.#issuer}`,
        // Not the error itself, which may contain the answer.
        { cause: new Error(describeError(cause)) },
      );
      this.#failure = { error, count, untilMs: performance.now() + this.#backoffMs(count) };
      throw error;
    }
  }

  async #readKeys(signal: AbortSignal): Promise<object> {
    const jwksUri = this.#jwksUri ?? (await this.#discover(signal));
    // If the keys have moved, the next read begins with the discovery document.
    this.#jwksUri = undefined;
    const set = await this.#get(jwksUri, signal);
    if (!Array.isArray(set.keys)) throw new Error(`${jwksUri} answers without a list of keys`);
    this.#jwksUri = jwksUri;
    return set;
  }

  async #discover(signal: AbortSignal): Promise<string> {
    const url = `${this.#issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const { issuer, jwks_uri: jwksUri } = await this.#get(url, signal);
    if (issuer !== this.#issuer) throw new Error(`${url} names another issuer`);
    if (typeof jwksUri === 'string' && URL.canParse(jwksUri) && new URL(jwksUri).protocol === 'https:')
      return jwksUri;
    throw new Error(`${url} has no https jwks_uri`);
  }

  async #get(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
    const headers = { accept: 'application/json', 'user-agent': 'millrace' };
    const { statusCode, body } = await request(url, { headers, dispatcher: this.#agent, signal });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${url} answers ${statusCode}`);
    const value = parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    throw new Error(`${url} does not answer with a JSON object`);
  }

  /** Half of it is random, so that replicas do not retry at the same moment. */
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
