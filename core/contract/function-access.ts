// How a function is called where its address alone does not do. Access is declared, and names what is secret; credentials are what the
// names lead to.
import type { Subscription } from './subscription.ts';
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

/** What a function is shown besides events, kept current. It holds secrets. Nothing of it throws or blocks. */
export interface FunctionAccess {
  /** Why nothing can be sent now, in words; undefined where requests may go. */
  readonly lack: string | undefined;
  /** For connections from now on, another object whenever they change; undefined where the trigger asks for no TLS. */
  readonly tls: FunctionTlsCredentials | undefined;
  /** The header that goes with each request; undefined where the trigger asks for none. */
  readonly authorization: string | undefined;
  /** The function answered 401 to `authorization`: nothing is sent until there is another, unless one has just been replaced for that. */
  refused(authorization: string): void;
  close(): Promise<void>;
}

/** Undefined for a trigger that asks for nothing. `onChange` is called when anything of it is another, never before it returns. */
export type OpenFunctionAccess = (
  subscription: Subscription,
  onChange: () => void,
) => FunctionAccess | undefined;
