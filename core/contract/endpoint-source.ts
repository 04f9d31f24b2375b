// The ports towards functions: which endpoints are ready, and what they are shown besides events.
import type { FunctionTlsCredentials } from './function-access.ts';
import type { Subscription } from './subscription.ts';

/** One ready endpoint of a function: an origin such as `http://10.1.2.3:8080`, unique within the function. */
export interface Endpoint {
  readonly origin: string;
}

/** Tells the ready endpoints of a function: at once with what is known, then at every change. Returns how to stop. */
export interface EndpointSource {
  watch(subscription: Subscription, onChange: (ready: readonly Endpoint[]) => void): () => void;
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
