// FunctionReady: there is a function to deliver to, running or scaled to zero.
import { serviceNameOf } from '../../../core/resources/derived-names.ts';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../../core/contract/path.ts';
import type { FunctionTarget } from '../../../core/contract/subscription.ts';
import { isOwnedBy } from '../../ownership.ts';
import type { ConditionState, ObservedState } from '../observed-state.ts';
import { workloadName, type Workload, type WorkloadReading, type WorkloadRef } from '../workload.ts';
import { conditionFalse, conditionUnknown, conditionTrue } from './condition-state.ts';
import { namedServiceCondition } from './named-service-condition.ts';

/** How long a Deployment may have no ready pod before the function counts as not ready, in ms. */
export const startLimitMs = 120_000;

export function functionCondition(observed: ObservedState, target: FunctionTarget): ConditionState {
  if (target.kind === 'uri')
    return conditionTrue('External', `Events go to ${new URL(target.uri).origin}. Nothing is scaled.`);
  if (target.kind === 'service') return namedServiceCondition(observed.namedService, target.name);
  const { workload } = observed;
  if (workload?.kind !== 'found') return whyNoWorkload(workload, target);
  return serviceFailure(observed, workload.workload) ?? podsCondition(workload.workload, observed.nowMs);
}

/** Why there is no workload to deliver to or to scale. */
export function whyNoWorkload(
  reading: Exclude<WorkloadReading, { kind: 'found' }> | undefined,
  target: WorkloadRef,
): ConditionState {
  const name = workloadName(target);
  switch (reading?.kind) {
    case undefined:
      return conditionUnknown(
        'NotCheckedYet',
        `${name} has not been looked up yet. This passes within seconds.`,
      );
    case 'missing':
      return conditionFalse('WorkloadMissing', `${name} does not exist in this namespace. Create it.`);
    case 'kindMissing': {
      const message = `The API server does not serve the kind ${target.resource} of ${target.apiVersion}. Correct spec.function.ref, or install the CRD of the kind.`;
      return conditionFalse('KindNotServed', message);
    }
    case 'notScalable': {
      const message = `The kind ${target.resource} of ${target.apiVersion} has no scale subresource in a namespace, so it cannot be scaled. Name a kind that has one, such as a Deployment or a StatefulSet, or a Service in spec.function.service.`;
      return conditionFalse('KindNotScalable', message);
    }
    case 'forbidden': {
      const message = `Millrace cannot read the scale of ${name}: ${reading.message}. Grant this right to the ServiceAccount of the scaler. The chart grants it for all kinds.`;
      return conditionFalse('ScaleForbidden', message);
    }
  }
}

/** Why the trigger cannot have its Service; undefined if nothing prevents it. */
function serviceFailure(
  { trigger, owned, refusals }: ObservedState,
  { kind, name: workload, selector }: Workload,
): ConditionState | undefined {
  const name = serviceNameOf(trigger.metadata.name);
  const { service } = owned;
  if (service !== undefined && !isOwnedBy(service, trigger)) {
    const message = `Service ${name} exists already and was not made for this Trigger. Delete it, or name it in spec.function.service.`;
    return conditionFalse('ServiceNotOurs', message);
  }
  if (selector.kind === 'unsupported') {
    const message = `Millrace cannot make a Service for the pods of ${kind} ${workload}: it selects its pods ${selector.why}. Create a Service for them, and name it in spec.function.service.`;
    return conditionFalse('SelectorNotSupported', message);
  }
  const refusal = refusals.get('service');
  if (refusal !== undefined)
    return conditionFalse(
      'ServiceRefused',
      `Millrace could not apply the Service ${name}, and tries again: ${refusal}`,
    );
  return undefined;
}

function podsCondition({ kind, name, deployment }: Workload, nowMs: number): ConditionState {
  return (
    (deployment && deploymentFailure(deployment, nowMs)) ??
    conditionTrue('WorkloadExists', `Events go to the ready pods of ${kind} ${name}.`)
  );
}

function deploymentFailure(deployment: Resource, nowMs: number): ConditionState | undefined {
  const { name } = deployment.metadata;
  const progressing = conditionOf(deployment, 'Progressing');
  if (progressing?.status === 'False') {
    const message = `The rollout of Deployment ${name} does not progress: ${progressing.message ?? 'see kubectl describe deployment'}`;
    return conditionFalse('RolloutStuck', message);
  }
  const desired = valueAt(deployment, ['spec', 'replicas']);
  const available = conditionOf(deployment, 'Available');
  if (desired !== 0 && available?.status === 'False' && isOld(available.lastTransitionTime, nowMs)) {
    const message = `No pod of Deployment ${name} is ready. See kubectl describe pods, and the logs of the pods. Records are held until one is ready.`;
    return conditionFalse('NoPodReady', message);
  }
  if (valueAt(deployment, ['spec', 'paused']) === true) {
    const message = `Events go to the ready pods of Deployment ${name}. Changes of its pods wait, because its spec.paused is true.`;
    return conditionTrue('RolloutPaused', message);
  }
  return undefined;
}

function isOld(time: string | undefined, nowMs: number): boolean {
  return time !== undefined && nowMs - Date.parse(time) > startLimitMs;
}

interface ForeignCondition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** Of any kind of resource. */
export function conditionOf(resource: Resource, type: string): ForeignCondition | undefined {
  const conditions = valueAt(resource, ['status', 'conditions']);
  if (!Array.isArray(conditions)) return undefined;
  return (conditions as ForeignCondition[]).find((condition) => condition.type === type);
}
