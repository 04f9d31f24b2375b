// FunctionReady: there is a function to deliver to, running or scaled to zero.
import { deploymentKind } from '../../core/resources/kinds.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import type { FunctionTarget } from '../../core/contract/subscription.ts';
import { ownedResourceName, isOwnedBy } from '../ownership.ts';
import { conditionFalse, conditionUnknown, conditionTrue } from './condition-state.ts';
import type { ConditionState, ObservedState } from './observed-state.ts';

/** How long a Deployment may have no ready pod before the function counts as not ready, in ms. */
export const startLimitMs = 120_000;

export function functionCondition(observed: ObservedState, target: FunctionTarget): ConditionState {
  if (target.kind === 'uri')
    return conditionTrue('External', `Events go to ${new URL(target.uri).origin}. Nothing is scaled.`);
  if (target.kind === 'service') return serviceCondition(observed, target.name);
  if (!isDeployment(target)) {
    const message = `spec.function.ref names a ${target.resource} of ${target.apiVersion}, which Millrace does not support. Name a Deployment of apps/v1, or a Service in spec.function.service.`;
    return conditionFalse('KindNotSupported', message);
  }
  const { deployment } = observed;
  if (deployment === undefined)
    return conditionFalse(
      'DeploymentMissing',
      `Deployment ${target.name} does not exist in this namespace. Create it.`,
    );
  return serviceFailure(observed, deployment) ?? podsCondition(deployment, observed.nowMs);
}

export function isDeployment(target: FunctionTarget): target is FunctionTarget & { kind: 'ref' } {
  if (target.kind !== 'ref') return false;
  return target.apiVersion === deploymentKind.apiVersion && target.resource === deploymentKind.kind;
}

function serviceCondition({ serviceExists }: ObservedState, name: string): ConditionState {
  if (serviceExists === undefined)
    return conditionUnknown(
      'NotCheckedYet',
      `Service ${name} has not been looked up yet. This passes within seconds.`,
    );
  if (!serviceExists)
    return conditionFalse('ServiceMissing', `Service ${name} does not exist in this namespace. Create it.`);
  return conditionTrue('ServiceExists', `Events go to the ready pods of Service ${name}. Nothing is scaled.`);
}

/** Why the trigger cannot have its Service; undefined if nothing prevents it. */
function serviceFailure(
  { trigger, owned, refusals }: ObservedState,
  deployment: Resource,
): ConditionState | undefined {
  const name = ownedResourceName(trigger.metadata.name);
  const { service } = owned;
  if (service !== undefined && !isOwnedBy(service, trigger)) {
    const message = `Service ${name} exists already and was not made for this Trigger. Delete it, or name it in spec.function.service.`;
    return conditionFalse('ServiceNotOurs', message);
  }
  if (Object.keys(valueAt(deployment, ['spec', 'selector', 'matchLabels']) ?? {}).length === 0) {
    const message = `Deployment ${deployment.metadata.name} selects its pods only by matchExpressions, which a Service cannot do. Create a Service for them, and name it in spec.function.service.`;
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

function podsCondition(deployment: Resource, nowMs: number): ConditionState {
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
  return conditionTrue('DeploymentExists', `Events go to the ready pods of Deployment ${name}.`);
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
