// TLS and authentication towards a function. The settings refer to Secrets; the credentials hold the values of these Secrets.
import type { OauthAuthentication, SecretValue, ServiceAccountToken } from './kafka-access.ts';

/** If present, requests use https. */
export interface FunctionTls {
  /** Certificate authorities to trust, PEM. Absent: those that Node.js trusts by default. */
  readonly ca?: SecretValue | undefined;
  /** The client certificate and its key, PEM: both or none. */
  readonly certificate?: SecretValue | undefined;
  readonly key?: SecretValue | undefined;
  readonly keyPassword?: SecretValue | undefined;
  /** The name that the certificate of the function must have. Absent: the host of the URL. */
  readonly serverName?: string | undefined;
}

/** The token that a function gets with each request. */
export type FunctionAuthentication =
  ({ readonly type: 'service-account' } & ServiceAccountToken) | OauthAuthentication;

/** The certificates and keys for connections to a function; all PEM. It holds secrets: never log or print it. */
export interface FunctionTlsCredentials {
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly keyPassword?: string | undefined;
  readonly serverName?: string | undefined;
}
