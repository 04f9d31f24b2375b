// ScalerReady: KEDA scales the function by the ScaledObject, or nothing is to be scaled.
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import type { FunctionTarget } from '../../core/contract/subscription.ts';
import type { Condition } from '../../core/resources/trigger-status.ts';
import { ownedResourceName, isOwnedBy } from '../ownership.ts';
import { conditionFalse, conditionUnknown, conditionTrue } from './condition-state.ts';
import { conditionOf, isDeployment } from './function-condition.ts';
import type { OwnedResourceKey, ConditionState, ObservedState } from './observed-state.ts';
import { conditionBefore } from './status.ts';

/** What KEDA needs, in the order in which it is applied. */
const kinds = [
  ['ca', 'ConfigMap'],
  ['authentication', 'TriggerAuthentication'],
  ['scaledObject', 'ScaledObject'],
] as const satisfies readonly (readonly [OwnedResourceKey, string])[];

export function scalerCondition(observed: ObservedState, target: FunctionTarget): ConditionState {
  const { trigger, owned, deployment, scaler, hasKeda, deploymentHolder } = observed;
  if (!isDeployment(target))
    return conditionTrue(
      'NotScaled',
      'Nothing is scaled, because the trigger does not name a Deployment as its function.',
    );
  if (scaler === undefined)
    return conditionFalse(
      'ScalerUnnamed',
      'Nothing is scaled, because the controller does not know how KEDA reaches the scaler. Set SCALER_SERVICE (the chart does). If SCALER_TLS_CA is set, check that its file can be read.',
    );
  if (!hasKeda) {
    const message =
      'KEDA is not installed: records are delivered, but the Deployment is not scaled. Install KEDA 2.16 or newer: Millrace finds it by itself.';
    return conditionFalse('KedaMissing', message);
  }
  if (deploymentHolder !== undefined) {
    const message = `Deployment ${target.name} is already scaled for Trigger ${deploymentHolder}. Name several topics in one Trigger, or give this one a Deployment of its own.`;
    return conditionFalse('TargetTaken', message);
  }
  if (deployment === undefined)
    return conditionUnknown(
      'DeploymentMissing',
      `There is nothing to scale until Deployment ${target.name} exists.`,
    );
  for (const [key, kind] of kinds) {
    const found = owned[key];
    const name = key === 'scaledObject' ? trigger.metadata.name : ownedResourceName(trigger.metadata.name);
    if (found !== undefined && !isOwnedBy(found, trigger)) {
      const message = `${kind} ${name} exists already and was not made for this Trigger. Delete it, or give the Trigger another name.`;
      return conditionFalse(`${kind}NotOurs`, message);
    }
    const refusal = observed.refusals.get(key);
    if (refusal !== undefined)
      return conditionFalse(
        `${kind}Refused`,
        `Millrace could not apply the ${kind} ${name}, and tries again: ${refusal}`,
      );
  }
  return scaledObjectCondition(observed, scaler.address);
}

function scaledObjectCondition(
  { trigger, owned, probeResult }: ObservedState,
  address: string,
): ConditionState {
  const { scaledObject } = owned;
  if (scaledObject !== undefined) return kedaCondition(scaledObject, conditionBefore(trigger, 'ScalerReady'));
  if (typeof probeResult !== 'string')
    return conditionUnknown('Creating', 'The ScaledObject is being created. This passes within seconds.');
  const message = `The scaler does not answer at ${address}: ${probeResult}. Check its Service and the NetworkPolicies. The ScaledObject is created once the scaler answers, because KEDA waits long after a first call that fails.`;
  return conditionFalse('ScalerUnreachable', message);
}

function kedaCondition(scaledObject: Resource, before: Condition | undefined): ConditionState {
  const { name } = scaledObject.metadata;
  const ready = conditionOf(scaledObject, 'Ready');
  if (ready?.status === 'False')
    return conditionFalse(
      'KedaRefuses',
      `KEDA does not scale by ScaledObject ${name}: ${ready.reason ?? 'not ready'}: ${ready.message ?? 'see the log of its operator'}`,
    );
  if (conditionOf(scaledObject, 'Fallback')?.status === 'True') {
    const message = `KEDA cannot get the backlog for ScaledObject ${name}, so the replicas stay as they are. See the condition SourceReady, and the log of the scaler.`;
    return conditionFalse('FallbackActive', message);
  }
  if (ready?.status === 'Unknown' && !ready.reason && wasReady(scaledObject, before))
    return { status: before.status, reason: before.reason, message: before.message };
  if (ready?.status !== 'True') {
    const message = `KEDA has not processed ScaledObject ${name} yet. If this lasts, check that its operator runs and watches this namespace.`;
    return conditionUnknown('WaitingForKeda', message);
  }
  if (conditionOf(scaledObject, 'Paused')?.status === 'True')
    return conditionTrue('Paused', `Scaling is paused by an annotation on ScaledObject ${name}.`);
  return conditionTrue('Scaled', `KEDA scales the Deployment by ScaledObject ${name}.`);
}

/**
 * Whether KEDA was ready for this very ScaledObject `before`. When a function is scaled up from zero, KEDA 2.21 forgets its conditions for
 * seconds: setting one makes all others unknown, without a reason. Nothing is wrong then, so the condition stays.
 */
function wasReady(scaledObject: Resource, before: Condition | undefined): before is Condition {
  if (before?.status !== 'True') return false;
  return Date.parse(scaledObject.metadata.creationTimestamp ?? '') <= Date.parse(before.lastTransitionTime);
}
