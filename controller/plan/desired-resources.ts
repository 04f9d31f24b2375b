// The desired state of what a trigger owns: its Service, and what KEDA needs to scale its function.
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { endpointsService } from './endpoints-service.ts';
import type { OwnedResources, ScalerAddress } from './observed-state.ts';
import { scaledObject } from './scaled-object.ts';
import { caConfigMap, triggerAuthentication } from './trigger-authentication.ts';

/** Everything that `trigger` should own if its function is `deployment`, whether or not it can be applied now. */
export function desiredResources(
  trigger: Resource,
  subscription: Subscription,
  deployment: Resource,
  scaler: ScalerAddress | undefined,
): OwnedResources {
  const ca = scaler?.clusterAuthentication === undefined ? scaler?.ca : undefined;
  return {
    service: endpointsService(trigger, subscription, deployment),
    ca: ca === undefined ? undefined : caConfigMap(trigger, ca),
    authentication: ca === undefined ? undefined : triggerAuthentication(trigger),
    scaledObject: scaler === undefined ? undefined : scaledObject(trigger, subscription, deployment, scaler),
  };
}
