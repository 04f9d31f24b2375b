// The ports towards functions: which endpoints are ready, and the credentials that go with requests.
import type { FunctionTlsCredentials } from './function-access.ts';
import type { Subscription } from './subscription.ts';

/** One ready endpoint of a function: an origin such as `http://10.1.2.3:8080`, unique within the function. */
export interface Endpoint {
  readonly origin: string;
}

/** A ready endpoint to which there is no connection, because tenants may not use its address. */
export interface RefusedEndpoint {
  readonly address: string;
  /** Ends the sentence "the address is …". */
  readonly why: string;
}

/**
 * Reports the ready endpoints of a function, and those that are refused: at once, then all again at every change. `watch` returns a function
 * that stops it.
 */
export interface EndpointSource {
  watch(
    subscription: Subscription,
    onChange: (ready: readonly Endpoint[], refused?: readonly RefusedEndpoint[]) => void,
  ): () => void;
}

/** The credentials for a function, kept current. It holds secrets. No method throws or blocks. */
export interface FunctionAccess {
  /** Why requests cannot be sent now, in words; undefined if they can. */
  readonly missing: string | undefined;
  /** For new connections; a new object whenever they change. Undefined if the trigger has no TLS. */
  readonly tls: FunctionTlsCredentials | undefined;
  /** The value of the header `authorization` of each request; undefined if the trigger has no authentication. */
  readonly authorization: string | undefined;
  /** The function answered 401 to `authorization`. Nothing is sent until there is another, unless one was just replaced for that reason. */
  refused(authorization: string): void;
  close(): Promise<void>;
}

/** Returns undefined for a trigger without TLS and authentication. Calls `onChange` when anything changes, but never before it returns. */
export type OpenFunctionAccess = (
  subscription: Subscription,
  onChange: () => void,
) => FunctionAccess | undefined;
