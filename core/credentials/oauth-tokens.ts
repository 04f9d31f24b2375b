// Access tokens by the client credentials grant (RFC 6749, section 4.4), kept as cached-token.ts says. No secret and no token is ever part of
// an error.
import { Agent } from 'undici';
import { MillraceError } from '../contract/errors.ts';
import type { OauthCredentials } from '../contract/kafka-access.ts';
import { wrongExtension } from './sasl-extensions.ts';
import { createGuardedConnector, type ConnectGuard } from '../network/connect-guard.ts';
import { TrustingAgents } from '../network/trusting-agents.ts';
import { createCachedToken, type TokenClient } from './cached-token.ts';
import { requestGrant } from './oauth-grant.ts';

/** As kafkajs takes it from an `oauthBearerProvider`. */
export interface OauthToken {
  readonly value: string;
  /** SASL extensions (RFC 7628, section 3.1). */
  readonly extensions: Record<string, string>;
}

export interface OauthTokens {
  /**
   * A token that holds. Rejects with MILLRACE_KAFKA_UNAUTHENTICATED where the provider refuses, with MILLRACE_KAFKA_UNREACHABLE where it does
   * not answer as one, with MILLRACE_ADDRESS_REFUSED where it is not asked; for some time after that with the same error, without asking again.
   */
  token(): Promise<OauthToken>;
  /** Whom it was shown does not take `value`: it is shown no more, but for one that has just been given, for another would be no better. */
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
  /** So long a token that is refused is kept; see cached-token.ts. */
  readonly leastUseMs?: number;
  /** Where a tenant names the token endpoint; absent: it may be anywhere. */
  readonly guard?: ConnectGuard | undefined;
}

const connectLimitMs = 5_000;
const answerLimitMs = 10_000;
const mostBytes = 1_048_576;

export function createOauthTokens(options: OauthTokensOptions): OauthTokens {
  const { credentials, guard, ...kept } = options;
  const connections = new TrustingAgents((trust) => openAgent(guard, trust));
  const token = createCachedToken({ ...kept, client: () => clientOf(credentials(), connections) });
  return {
    token: async () => {
      const { extensions } = credentials();
      return { value: await token.current(), extensions: { ...extensions } };
    },
    refused: (value) => token.refused(value),
    close: async () => {
      token.close();
      await connections.close();
    },
  };
}

function clientOf(credentials: OauthCredentials, connections: TrustingAgents): TokenClient {
  const { tokenEndpoint, clientId, clientSecret, clientAssertion, scope, audience, ca } = credentials;
  const wrong = wrongExtension(credentials.extensions ?? {});
  if (wrong !== undefined)
    throw new MillraceError('MILLRACE_KAFKA_UNAUTHENTICATED', `the OAuth authentication ${wrong}`);
  return {
    identity: JSON.stringify([tokenEndpoint, clientId, clientSecret, scope, audience]),
    proof: JSON.stringify([clientAssertion, ca]),
    ask: (signal) => requestGrant(credentials, connections.trusting(ca), signal),
  };
}

function openAgent(guard: ConnectGuard | undefined, trust: { readonly ca?: string }): Agent {
  const connect = { ...trust, timeout: connectLimitMs };
  return new Agent({
    connect: guard === undefined ? connect : createGuardedConnector(guard, connect),
    headersTimeout: answerLimitMs,
    bodyTimeout: answerLimitMs,
    maxResponseSize: mostBytes,
  });
}
