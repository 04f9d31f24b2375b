// FunctionReady: there is somebody to deliver to, awake or asleep.
import { deploymentKind } from '../../core/resources/kinds.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import type { FunctionTarget } from '../../core/contract/subscription.ts';
import { ownedName, isMadeFor } from '../names.ts';
import { no, unknown, yes } from './findings.ts';
import type { Finding, Observed } from './observed.ts';

/** For so long the pods of a Deployment may be unready before the function is. */
export const startLimitMs = 120_000;

export function functionCondition(observed: Observed, target: FunctionTarget): Finding {
  if (target.kind === 'uri')
    return yes('External', `Events go to ${new URL(target.uri).origin}; nothing is scaled.`);
  if (target.kind === 'service') return judgeService(observed, target.name);
  if (!isDeployment(target)) {
    const message = `${target.resource} of ${target.apiVersion} is not looked up: name a Deployment of apps/v1, or a Service by spec.function.service.`;
    return no('KindNotSupported', message);
  }
  const { deployment } = observed;
  if (deployment === undefined)
    return no('DeploymentMissing', `Deployment ${target.name} does not exist in this namespace: create it.`);
  return judgeCompanion(observed, deployment) ?? judgePods(deployment, observed.nowMs);
}

export function isDeployment(target: FunctionTarget): target is FunctionTarget & { kind: 'ref' } {
  if (target.kind !== 'ref') return false;
  return target.apiVersion === deploymentKind.apiVersion && target.resource === deploymentKind.kind;
}

function judgeService({ serviceThere }: Observed, name: string): Finding {
  if (serviceThere === undefined) return unknown('NotCheckedYet', `Service ${name} is being looked up.`);
  if (!serviceThere)
    return no('ServiceMissing', `Service ${name} does not exist in this namespace: create it.`);
  return yes('ServiceExists', `Events go to the ready pods of Service ${name}; nothing is scaled.`);
}

/** What keeps the Service of the trigger from being there. */
function judgeCompanion({ trigger, owned, refusals }: Observed, deployment: Resource): Finding | undefined {
  const name = ownedName(trigger.metadata.name);
  const { service } = owned;
  if (service !== undefined && !isMadeFor(service, trigger)) {
    const message = `Service ${name} is there already, and was not made for this Trigger: remove it, or name it by spec.function.service.`;
    return no('ServiceNotOurs', message);
  }
  if (Object.keys(valueAt(deployment, ['spec', 'selector', 'matchLabels']) ?? {}).length === 0) {
    const message = `Deployment ${deployment.metadata.name} selects its pods by expressions alone: write a Service for them, and name it by spec.function.service.`;
    return no('SelectorNotSupported', message);
  }
  const refusal = refusals.get('service');
  if (refusal !== undefined) return no('ServiceRefused', `Service ${name} cannot be made: ${refusal}`);
  return undefined;
}

function judgePods(deployment: Resource, nowMs: number): Finding {
  const { name } = deployment.metadata;
  const progressing = conditionOf(deployment, 'Progressing');
  if (progressing?.status === 'False') {
    const message = `Deployment ${name} does not come up: ${progressing.message ?? 'see kubectl describe deployment'}`;
    return no('RolloutStuck', message);
  }
  const wanted = valueAt(deployment, ['spec', 'replicas']);
  const available = conditionOf(deployment, 'Available');
  if (wanted !== 0 && available?.status === 'False' && isOld(available.lastTransitionTime, nowMs)) {
    const message = `No pod of Deployment ${name} becomes ready: see kubectl describe pods, and their log. Records are held until one is.`;
    return no('NoPodReady', message);
  }
  return yes('DeploymentExists', `Events go to the ready pods of Deployment ${name}.`);
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

/** One of the conditions of any resource. */
export function conditionOf(resource: Resource, type: string): ForeignCondition | undefined {
  const conditions = valueAt(resource, ['status', 'conditions']);
  if (!Array.isArray(conditions)) return undefined;
  return (conditions as ForeignCondition[]).find((condition) => condition.type === type);
}
