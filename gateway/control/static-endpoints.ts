// The endpoints of functions that are named by URI. They are always reported as ready; the pipeline itself probes one that refuses
// connections.
import type { EndpointSource } from '../../core/contract/endpoint-source.ts';
import type { Subscription } from '../../core/contract/subscription.ts';

/** `onUnknown` is called for a function that is named in another way: it cannot be found here, so its records are held. */
export function createStaticEndpoints(onUnknown: (subscription: Subscription) => void): EndpointSource {
  return {
    watch: (subscription, onChange) => {
      const { target } = subscription.function;
      if (target.kind === 'uri') onChange([{ origin: new URL(target.uri).origin }]);
      else onUnknown(subscription);
      return () => undefined;
    },
  };
}
