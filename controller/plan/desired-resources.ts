// The desired state of what a trigger owns: its Service, and the ScaledObject by which KEDA scales its function.
import type { Subscription } from '../../core/contract/subscription.ts';
import { endpointsService } from './endpoints-service.ts';
import type { ObservedState, OwnedResources } from './observed-state.ts';
import { scaledObject } from './scaled-object.ts';

const none: OwnedResources = { service: undefined, scaledObject: undefined };

/** Everything that the trigger should own, whether or not it can be applied now. */
export function desiredResources(observed: ObservedState, subscription: Subscription): OwnedResources {
  const { trigger, workload: reading, scaler, hasKeda, hasFallbackBehavior } = observed;
  if (reading?.kind !== 'found' || observed.groupHolder !== undefined) return none;
  const { workload } = reading;
  // Without a Service there are no endpoints, and nothing is delivered: then nothing is scaled either.
  if (workload.selector.kind === 'unsupported') return none;
  const isScaled = hasKeda && scaler !== undefined && observed.workloadHolder === undefined;
  return {
    service: endpointsService(trigger, subscription, workload.selector.labels),
    scaledObject: isScaled
      ? scaledObject({ trigger, scale: subscription.scale, workload, scaler, hasFallbackBehavior })
      : undefined,
  };
}
