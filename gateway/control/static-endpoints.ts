// Endpoints of functions that are named by URI: always said to be ready; one that refuses is left alone until it accepts.
import type { EndpointSource } from '../../core/contract/endpoint-source.ts';
import type { Subscription } from '../../core/contract/subscription.ts';

/** `onUnknown` is told of a function that is named in another way: nobody here can find it, so its records are held. */
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
