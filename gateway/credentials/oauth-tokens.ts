// Access tokens for SASL/OAUTHBEARER, by the client credentials grant (RFC 6749, section 4.4): asked for once for all who wait, kept, and
// renewed before they expire. No secret and no token is ever part of an error.
import { Agent } from 'undici';
import { MillraceError } from '../contract/errors.ts';
import type { OauthCredentials } from '../contract/kafka-access.ts';
import { wrongExtension } from '../contract/sasl-extensions.ts';
import { requestGrant, type Grant } from './oauth-grant.ts';

/** As kafkajs takes it from an `oauthBearerProvider`. */
export interface OauthToken {
  readonly value: string;
  /** SASL extensions (RFC 7628, section 3.1). */
  readonly extensions: Record<string, string>;
}

export interface OauthTokens {
  /**
   * A token that holds. Rejects with MILLRACE_KAFKA_UNAUTHENTICATED where the provider refuses, with MILLRACE_KAFKA_UNREACHABLE where it does
   * not answer as one; for some time after that with the same error, without asking again.
   */
  token(): Promise<OauthToken>;
  /** A broker does not take `value`: it is shown no more, but for one that has just been given, for another would be no better. */
  refused(value: string): void;
  /** Ends requests under way. Whoever waits is rejected. */
  close(): Promise<void>;
}

export interface OauthTokensOptions {
  /** Asked at each call of `token`: what it says may change at any time. */
  readonly credentials: () => OauthCredentials;
  /** In ms since 1970. */
  readonly now?: () => number;
  /** From 0 to below 1. */
  readonly random?: () => number;
  /** Of a whole request, however it trickles. */
  readonly limitMs?: number;
}

const connectLimitMs = 5_000;
const answerLimitMs = 10_000;
const usualLimitMs = 20_000;
const mostBytes = 1_048_576;
const firstBackoffMs = 500;
const mostBackoffMs = 30_000;
/** Of a token that does not say. */
const usualLifetimeMs = 300_000;
/** Of any token: a clock that is wrong must not make a request of every question. */
const leastLifetimeMs = 1_000;
/** So long a token that is refused is kept. */
const leastUseMs = 10_000;
/** Of its lifetime, after which a token is renewed; sooner where less than this were left then, for a session lasts as long as its token. */
const renewal = { share: 0.8, leftMs: 20_000 };
/** Of its lifetime, and in ms: so long before its end a token is not shown any more, which takes time to arrive and opens a session. */
const margin = { share: 0.05, leastMs: 3_000, mostMs: 10_000 };

export function createOauthTokens(options: OauthTokensOptions): OauthTokens {
  return new Tokens(options);
}

/** Who asks whom for what: a token is good for no other. */
interface Client {
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
  /** With what it was tried: something else is worth a try at once. */
  readonly proof: string;
  /** In a row. */
  readonly count: number;
  readonly untilMs: number;
}

class Tokens implements OauthTokens {
  readonly #credentials: () => OauthCredentials;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #limitMs: number;
  readonly #closing = new AbortController();
  readonly #connections = new Connections();
  #client: Client = { identity: '' };

  constructor(options: OauthTokensOptions) {
    const { credentials, now = Date.now, random = Math.random, limitMs = usualLimitMs } = options;
    this.#credentials = credentials;
    this.#now = now;
    this.#random = random;
    this.#limitMs = limitMs;
  }

  async token(): Promise<OauthToken> {
    if (this.#closing.signal.aborted)
      throw new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'no token is asked for any more: it is closed');
    const credentials = this.#credentials();
    const { extensions = {} } = credentials;
    const wrong = wrongExtension(extensions);
    if (wrong !== undefined)
      throw new MillraceError('MILLRACE_KAFKA_UNAUTHENTICATED', `the OAuth authentication ${wrong}`);
    const { value } = await this.#hold(credentials);
    return { value, extensions: { ...extensions } };
  }

  refused(value: string): void {
    const { held } = this.#client;
    if (held?.value === value && this.#now() - held.askedAtMs >= leastUseMs) this.#client.held = undefined;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connections.close();
  }

  async #hold(credentials: OauthCredentials): Promise<Held> {
    const identity = identityOf(credentials);
    if (identity !== this.#client.identity) this.#client = { identity };
    const client = this.#client;
    const [held, nowMs] = [client.held, this.#now()];
    if (held !== undefined && nowMs < held.renewAtMs) return held;
    const renewed = this.#renew(client, credentials);
    if (held === undefined || nowMs >= held.lapsesAtMs) return renewed;
    // The old one serves on, however the renewal ends.
    renewed.catch(() => undefined);
    return held;
  }

  async #renew(client: Client, credentials: OauthCredentials): Promise<Held> {
    if (client.pending !== undefined) return client.pending;
    const { failure } = client;
    const proof = JSON.stringify([credentials.clientAssertion, credentials.ca]);
    if (failure?.proof === proof && this.#now() < failure.untilMs) throw failure.error;
    client.pending = this.#ask(client, credentials, proof).finally(() => (client.pending = undefined));
    return client.pending;
  }

  async #ask(client: Client, credentials: OauthCredentials, proof: string): Promise<Held> {
    const askedAtMs = this.#now();
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#limitMs)]);
    try {
      const agent = this.#connections.trusting(credentials.ca);
      client.held = holdOf(await requestGrant(credentials, agent, signal), askedAtMs);
      client.failure = undefined;
      return client.held;
    } catch (error) {
      const count = client.failure?.proof === proof ? client.failure.count + 1 : 1;
      const untilMs = this.#now() + backoffMs(count, this.#random);
      client.failure = { error, proof, count, untilMs };
      throw error;
    }
  }
}

function identityOf(credentials: OauthCredentials): string {
  const { tokenEndpoint, clientId, clientSecret, scope, audience } = credentials;
  return JSON.stringify([tokenEndpoint, clientId, clientSecret, scope, audience]);
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

/** To the provider; those of the last authorities alone. */
class Connections {
  readonly #open = new Set<Agent>();
  #current: { ca: string | undefined; agent: Agent } | undefined;

  trusting(ca: string | undefined): Agent {
    if (this.#current !== undefined && this.#current.ca === ca) return this.#current.agent;
    const old = this.#current?.agent;
    if (old !== undefined) void old.close().finally(() => this.#open.delete(old));
    const agent = new Agent({
      connect: { ...(ca === undefined ? {} : { ca }), timeout: connectLimitMs },
      headersTimeout: answerLimitMs,
      bodyTimeout: answerLimitMs,
      maxResponseSize: mostBytes,
    });
    this.#open.add(agent);
    this.#current = { ca, agent };
    return agent;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((agent) => agent.destroy()));
  }
}
