// The desired state of what a trigger owns: its Service, and what KEDA needs to scale its function.
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { endpointsService } from './endpoints-service.ts';
import type { OwnedResources, ScalerAddress } from './observed.ts';
import { scaledObject } from './scaled-object.ts';
import { caConfigMap, triggerAuthentication } from './trigger-authentication.ts';

/** The owned resources of `trigger` where its function is `deployment`; all of them, whether they can be made now or not. */
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
