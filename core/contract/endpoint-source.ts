// The port that tells which endpoints of a function are ready.
import type { Subscription } from './subscription.ts';

/** One ready endpoint of a function: an origin such as `http://10.1.2.3:8080`, unique within the function. */
export interface Endpoint {
  readonly origin: string;
}

/** Tells the ready endpoints of a function: at once with what is known, then at every change. Returns how to stop. */
export interface EndpointSource {
  watch(subscription: Subscription, onChange: (ready: readonly Endpoint[]) => void): () => void;
}
