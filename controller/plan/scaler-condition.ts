// ScalerReady: KEDA has taken up the ScaledObject, or nothing is to be scaled.
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import type { FunctionTarget } from '../../core/contract/subscription.ts';
import type { Condition } from '../../core/resources/trigger-status.ts';
import { ownedName, isMadeFor } from '../names.ts';
import { no, unknown, yes } from './findings.ts';
import { conditionOf, isDeployment } from './function-condition.ts';
import type { OwnedResourceName, Finding, Observed } from './observed.ts';
import { conditionBefore } from './status.ts';

/** What KEDA needs, in the order in which it is made. */
const parts = [
  ['ca', 'ConfigMap'],
  ['authentication', 'TriggerAuthentication'],
  ['scaledObject', 'ScaledObject'],
] as const satisfies readonly (readonly [OwnedResourceName, string])[];

export function scalerCondition(observed: Observed, target: FunctionTarget): Finding {
  const { trigger, owned, deployment, scaler, hasKeda, targetOf } = observed;
  if (!isDeployment(target))
    return yes('NotScaled', 'Nothing is scaled: the function is not named as a Deployment.');
  if (scaler === undefined)
    return no(
      'ScalerUnnamed',
      'Where KEDA reaches the scaler is not known: set SCALER_SERVICE (the chart does).',
    );
  if (!hasKeda) {
    const message =
      'KEDA is not installed: records are delivered, but the Deployment is not scaled. Install KEDA 2.16 or newer; it is found by itself.';
    return no('KedaMissing', message);
  }
  if (targetOf !== undefined) {
    const message = `Deployment ${target.name} is scaled for Trigger ${targetOf} already: name several topics in one Trigger, or give this one a Deployment of its own.`;
    return no('TargetTaken', message);
  }
  if (deployment === undefined)
    return unknown('DeploymentMissing', `There is nothing to scale until Deployment ${target.name} exists.`);
  for (const [part, kind] of parts) {
    const found = owned[part];
    const name = part === 'scaledObject' ? trigger.metadata.name : ownedName(trigger.metadata.name);
    if (found !== undefined && !isMadeFor(found, trigger)) {
      const message = `${kind} ${name} is there already, and was not made for this Trigger: remove it, or give the Trigger another name.`;
      return no(`${kind}NotOurs`, message);
    }
    const refusal = observed.refusals.get(part);
    if (refusal !== undefined) return no(`${kind}Refused`, `${kind} ${name} cannot be made: ${refusal}`);
  }
  return judgeScaledObject(observed, scaler.address);
}

function judgeScaledObject({ trigger, owned, scalerAnswers }: Observed, address: string): Finding {
  const { scaledObject } = owned;
  if (scaledObject !== undefined) return judgeKeda(scaledObject, conditionBefore(trigger, 'ScalerReady'));
  if (typeof scalerAnswers !== 'string')
    return unknown('Creating', 'The ScaledObject is being made; this passes in seconds.');
  const message = `The scaler does not answer at ${address}, and KEDA would wait long for it: check its Service and the network policies. ${scalerAnswers}`;
  return no('ScalerUnreachable', message);
}

function judgeKeda(scaledObject: Resource, before: Condition | undefined): Finding {
  const { name } = scaledObject.metadata;
  const ready = conditionOf(scaledObject, 'Ready');
  const said = `KEDA says of ScaledObject ${name}:`;
  if (ready?.status === 'False')
    return no('KedaRefuses', `${said} ${ready.reason ?? 'not ready'}: ${ready.message ?? 'see its log'}`);
  if (conditionOf(scaledObject, 'Fallback')?.status === 'True') {
    const message = `${said} the backlog is unknown, and the replicas stay as they are. See the conditions on the source, and the log of the scaler.`;
    return no('FallbackActive', message);
  }
  if (ready?.status === 'Unknown' && !ready.reason && isSaidOf(scaledObject, before))
    return { status: before.status, reason: before.reason, message: before.message };
  if (ready?.status !== 'True') {
    const message = `KEDA has not taken up ScaledObject ${name} yet: where that lasts, check that its operator runs and watches this namespace.`;
    return unknown('WaitingForKeda', message);
  }
  if (conditionOf(scaledObject, 'Paused')?.status === 'True')
    return yes('Paused', `Scaling is paused by an annotation on ScaledObject ${name}.`);
  return yes('Scaled', `KEDA scales the Deployment by ScaledObject ${name}.`);
}

/**
 * Whether KEDA had taken up this ScaledObject `before`. It forgets its conditions for seconds when a function wakes (2.21: what it
 * sets one of makes all others unknown, without a reason), which means nothing.
 */
function isSaidOf(scaledObject: Resource, before: Condition | undefined): before is Condition {
  if (before?.status !== 'True') return false;
  return Date.parse(scaledObject.metadata.creationTimestamp ?? '') <= Date.parse(before.lastTransitionTime);
}
