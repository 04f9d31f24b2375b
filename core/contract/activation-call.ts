// The port from the gateway to the scalers.
import type { Subscription } from './subscription.ts';

/** Notifies the scalers that records are held because no endpoint is ready. Never throws, never blocks. */
export interface ActivationCall {
  wake(subscription: Subscription): void;
}
