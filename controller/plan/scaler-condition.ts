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
    return conditionTrue('NotScaled', 'Nothing is scaled: the function is not named as a Deployment.');
  if (scaler === undefined)
    return conditionFalse(
      'ScalerUnnamed',
      'Where KEDA reaches the scaler is not known: set SCALER_SERVICE (the chart does).',
    );
  if (!hasKeda) {
    const message =
      'KEDA is not installed: records are delivered, but the Deployment is not scaled. Install KEDA 2.16 or newer; it is found by itself.';
    return conditionFalse('KedaMissing', message);
  }
  if (deploymentHolder !== undefined) {
    const message = `Deployment ${target.name} is scaled for Trigger ${deploymentHolder} already: name several topics in one Trigger, or give this one a Deployment of its own.`;
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
      const message = `${kind} ${name} is there already, and was not made for this Trigger: remove it, or give the Trigger another name.`;
      return conditionFalse(`${kind}NotOurs`, message);
    }
    const refusal = observed.refusals.get(key);
    if (refusal !== undefined)
      return conditionFalse(`${kind}Refused`, `${kind} ${name} cannot be made: ${refusal}`);
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
    return conditionUnknown('Creating', 'The ScaledObject is being made; this passes in seconds.');
  const message = `The scaler does not answer at ${address}, and KEDA would wait long for it: check its Service and the network policies. ${probeResult}`;
  return conditionFalse('ScalerUnreachable', message);
}

function kedaCondition(scaledObject: Resource, before: Condition | undefined): ConditionState {
  const { name } = scaledObject.metadata;
  const ready = conditionOf(scaledObject, 'Ready');
  const said = `KEDA says of ScaledObject ${name}:`;
  if (ready?.status === 'False')
    return conditionFalse(
      'KedaRefuses',
      `${said} ${ready.reason ?? 'not ready'}: ${ready.message ?? 'see its log'}`,
    );
  if (conditionOf(scaledObject, 'Fallback')?.status === 'True') {
    const message = `${said} the backlog is unknown, and the replicas stay as they are. See the conditions on the source, and the log of the scaler.`;
    return conditionFalse('FallbackActive', message);
  }
  if (ready?.status === 'Unknown' && !ready.reason && wasReady(scaledObject, before))
    return { status: before.status, reason: before.reason, message: before.message };
  if (ready?.status !== 'True') {
    const message = `KEDA has not taken up ScaledObject ${name} yet: where that lasts, check that its operator runs and watches this namespace.`;
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
