// Access tokens through the client credentials grant (RFC 6749, section 4.4), cached and renewed by cached-token.ts.
// No error contains a secret or a token.
import { Agent } from 'undici';
import { MillraceError } from '../contract/errors.ts';
import type { OauthCredentials } from '../contract/kafka-access.ts';
import { wrongExtension } from './sasl-extensions.ts';
import { createGuardedConnector, type ConnectGuard } from '../network/connect-guard.ts';
import { TrustingAgents } from '../network/trusting-agents.ts';
import { createCachedToken, type TokenClient } from './cached-token.ts';
import { requestGrant } from './oauth-grant.ts';

/** A token, and what a broker is told besides. */
export interface OauthToken {
  readonly value: string;
  /** SASL extensions (RFC 7628, section 3.1). */
  readonly extensions: Record<string, string>;
}

export interface OauthTokens {
  /**
   * A valid token. Rejects with MILLRACE_KAFKA_UNAUTHENTICATED if the provider refuses, with MILLRACE_KAFKA_UNREACHABLE if it does not answer
   * with a token, and with MILLRACE_ADDRESS_REFUSED if the guard refuses its address. During the backoff it rejects with the same error at once.
   */
  token(): Promise<OauthToken>;
  /** A peer has refused the token `value`. It is not used again, unless it is so new that another would be no better. */
  refused(value: string): void;
  /** Aborts requests in flight, and rejects those who wait. */
  close(): Promise<void>;
}

export interface OauthTokensOptions {
  /** Read at each call of `token`, because credentials may change at any time. */
  readonly credentials: () => OauthCredentials;
  /** In ms since 1970. */
  readonly now?: () => number;
  /** From 0 to below 1. */
  readonly random?: () => number;
  /** Limit for a whole request, however slowly its answer arrives. */
  readonly limitMs?: number;
  /** How long a token stays in use even if it is refused; see cached-token.ts. */
  readonly leastUseMs?: number;
  /** Checks the address of a token endpoint that a tenant names; absent: it may be anywhere. */
  readonly guard?: ConnectGuard | undefined;
}

const connectLimitMs = 5_000;
const answerLimitMs = 10_000;
const mostBytes = 1_048_576;

export function createOauthTokens(options: OauthTokensOptions): OauthTokens {
  const { credentials, guard, ...cacheOptions } = options;
  const connections = new TrustingAgents((trust) => openAgent(guard, trust));
  const token = createCachedToken({ ...cacheOptions, client: () => clientOf(credentials(), connections) });
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
