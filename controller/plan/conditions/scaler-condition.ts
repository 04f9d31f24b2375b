// ScalerReady: KEDA scales the function by the ScaledObject, or nothing is to be scaled.
import { scaledObjectNameOf } from '../../../core/resources/derived-names.ts';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import type { FunctionTarget } from '../../../core/contract/subscription.ts';
import type { Condition } from '../../../core/resources/trigger-status.ts';
import { isOwnedBy } from '../../ownership.ts';
import { conditionFalse, conditionUnknown, conditionTrue } from './condition-state.ts';
import type { ConditionState, ObservedState, ScalerAddress } from '../observed-state.ts';
import { conditionBefore } from '../status.ts';
import { isRef, workloadName } from '../workload.ts';
import { conditionOf, whyNoWorkload } from './function-condition.ts';

export function scalerCondition(observed: ObservedState, target: FunctionTarget): ConditionState {
  const { workload, scaler, hasKeda, workloadHolder } = observed;
  if (!isRef(target))
    return conditionTrue(
      'NotScaled',
      'Nothing is scaled, because the trigger does not name a workload as its function.',
    );
  if (scaler === undefined)
    return conditionFalse(
      'ScalerUnnamed',
      'Nothing is scaled, because the controller does not know how KEDA reaches the scaler. Set SCALER_SERVICE (the chart does). If SCALER_TLS_CA is set, check that its file can be read.',
    );
  const name = workloadName(target);
  if (!hasKeda) {
    const message = `KEDA is not installed: records are delivered, but ${name} is not scaled. Install KEDA 2.16 or newer: Millrace finds it by itself.`;
    return conditionFalse('KedaMissing', message);
  }
  if (workloadHolder !== undefined) {
    const message = `${name} is already scaled for Trigger ${workloadHolder}. Name several topics in one Trigger, or give this one a workload of its own.`;
    return conditionFalse('TargetTaken', message);
  }
  // Why it cannot be scaled is in the condition FunctionReady, which is false for the same reason.
  if (workload?.kind !== 'found') return { ...whyNoWorkload(workload, target), status: 'Unknown' };
  return (
    authenticationFailure(observed, scaler) ??
    scaledObjectFailure(observed) ??
    progress(observed, scaler.address)
  );
}

/** What keeps KEDA from trusting the scaler. */
function authenticationFailure(
  { authentication }: ObservedState,
  { namespaceAuthentication: name = '' }: ScalerAddress,
): ConditionState | undefined {
  if (authentication === undefined || authentication.kind === 'ready') return undefined;
  const { kind, resource } = authentication;
  if (kind === 'foreign') {
    const message = `${resource} ${name} exists already and was not made by Millrace, which needs this name for the CA of the scaler. Delete or rename it.`;
    return conditionFalse(`${resource}NotOurs`, message);
  }
  const message = `Millrace could not apply the ${resource} ${name}, and tries again: ${authentication.message}`;
  return conditionFalse(`${resource}Refused`, message);
}

function scaledObjectFailure({ trigger, owned, refusals }: ObservedState): ConditionState | undefined {
  const name = scaledObjectNameOf(trigger.metadata.name);
  const found = owned.scaledObject;
  if (found !== undefined && !isOwnedBy(found, trigger)) {
    const message = `ScaledObject ${name} exists already and was not made for this Trigger. Delete it, or give the Trigger another name.`;
    return conditionFalse('ScaledObjectNotOurs', message);
  }
  const refusal = refusals.get('scaledObject');
  return refusal === undefined
    ? undefined
    : conditionFalse(
        'ScaledObjectRefused',
        `Millrace could not apply the ScaledObject ${name}, and tries again: ${refusal}`,
      );
}

function progress({ trigger, owned, probeResult }: ObservedState, address: string): ConditionState {
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
  return conditionTrue('Scaled', `KEDA scales the workload by ScaledObject ${name}.`);
}

/**
 * Whether KEDA was ready for this very ScaledObject `before`. When a function is scaled up from zero, KEDA 2.21 forgets its conditions for
 * seconds: setting one makes all others unknown, without a reason. Nothing is wrong then, so the condition stays.
 */
function wasReady(scaledObject: Resource, before: Condition | undefined): before is Condition {
  if (before?.status !== 'True') return false;
  return Date.parse(scaledObject.metadata.creationTimestamp ?? '') <= Date.parse(before.lastTransitionTime);
}
