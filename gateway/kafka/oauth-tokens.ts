// Access tokens for SASL/OAUTHBEARER, by the client credentials grant (RFC 6749, section 4.4): asked for once for all who wait, kept, and
// renewed before they expire. No secret and no token is ever part of an error.
import type { OauthCredentials } from '../contract/kafka-access.ts';

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
}

export function createOauthTokens(options: OauthTokensOptions): OauthTokens {
  throw new Error(String(options));
}
