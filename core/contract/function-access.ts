// How a function is called where its address alone does not do. Access is declared, and names what is secret; credentials are what the
// names lead to.
import type { OauthAuthentication, SecretValue, ServiceAccountToken } from './kafka-access.ts';

/** Present: requests go by https. */
export interface FunctionTls {
  /** Authorities to trust, PEM; absent: those that Node.js knows. */
  readonly ca?: SecretValue | undefined;
  /** What is shown, and its key: PEM. Both or none. */
  readonly certificate?: SecretValue | undefined;
  readonly key?: SecretValue | undefined;
  readonly keyPassword?: SecretValue | undefined;
  /** The name that the certificate of the function must be for; absent: the one that is connected to. */
  readonly serverName?: string | undefined;
}

/** Whose token a function gets with each request. */
export type FunctionAuthentication =
  ({ readonly type: 'service-account' } & ServiceAccountToken) | OauthAuthentication;

/** What connections to a function show and trust; all PEM. It holds secrets: never told, logged or shown. */
export interface FunctionTlsCredentials {
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly keyPassword?: string | undefined;
  readonly serverName?: string | undefined;
}
