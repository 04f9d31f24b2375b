// Observes one trigger: from the informers what they have, from the API server what they cannot know.
import { describeError, MillraceError } from '../core/contract/errors.ts';
import { scaledObjectKind, serviceKind } from '../core/resources/kinds.ts';
import { scaledObjectNameOf, serviceNameOf } from '../core/resources/derived-names.ts';
import type { Resource } from '../core/contract/kubernetes-client.ts';
import type { FunctionTarget } from '../core/contract/subscription.ts';
import { isOwnedBy, keyOf } from './ownership.ts';
import type { ObservedState, ParsedTrigger, StepCondition } from './plan/observed-state.ts';
import { hasOptedIn } from './plan/plan-deployment.ts';
import {
  isDeployment,
  workloadOfDeployment,
  workloadOfScale,
  type WorkloadReading,
  type WorkloadRef,
} from './plan/workload.ts';
import type { TriggerDependencies } from './trigger-dependencies.ts';

/** Reads that fail are in `failures`. Then the rest is as it was read, and nothing may be concluded from what is missing. */
export async function observeTrigger(
  deps: TriggerDependencies,
  trigger: Resource,
  parsed: ParsedTrigger,
  hasFallbackBehavior: boolean,
): Promise<ObservedState> {
  const { informers, triggerCache, kafkaPoll, scaler } = deps;
  const key = keyOf(trigger);
  const namespace = trigger.metadata.namespace ?? '';
  // Read before the first await, so that it belongs to this edit: another edit may make the poll forget the trigger.
  const kafka = kafkaPoll.state(key);
  const subscription = parsed.kind === 'right' ? parsed.subscription : undefined;
  const target = subscription?.function.target;
  const namesake = informers.get('deployments', key);
  const failures = new Map<StepCondition, string>();
  const workload = target?.kind === 'ref' ? readWorkload(deps, namespace, target) : undefined;
  const isScaled = target?.kind === 'ref' && informers.hasKeda;
  const [found, namedService, service, scaledObject] = await Promise.all([
    orFailure(failures, 'FunctionReady', workload),
    orFailure(failures, 'FunctionReady', readNamedService(deps, namespace, target)),
    orFailure(failures, 'FunctionReady', readOwned(deps, 'services', trigger, target?.kind === 'ref')),
    orFailure(failures, 'ScalerReady', readOwned(deps, 'scaledObjects', trigger, isScaled)),
  ]);
  return {
    nowMs: Date.now(),
    trigger,
    parsed,
    groupHolder: subscription && triggerCache.conflicts.groupHolder(subscription),
    workloadHolder: subscription && triggerCache.conflicts.workloadHolder(subscription),
    annotationsIgnored: namesake !== undefined && hasOptedIn(namesake) && !isOwnedBy(trigger, namesake),
    workload: found,
    namedService,
    owned: { service, scaledObject },
    refusals: new Map(),
    failures,
    kafka,
    hasKeda: informers.hasKeda,
    hasFallbackBehavior,
    scaler: scaler(),
    authentication: undefined,
    probeResult: undefined,
  };
}

async function orFailure<T>(
  failures: Map<StepCondition, string>,
  type: StepCondition,
  reading: Promise<T> | undefined,
): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    failures.set(type, describeError(error));
    return undefined;
  }
}

/** Deployments are watched. Other kinds are not: the right to watch any kind would be far too much. */
async function readWorkload(
  { client, informers }: TriggerDependencies,
  namespace: string,
  target: WorkloadRef,
): Promise<WorkloadReading> {
  if (isDeployment(target)) {
    const deployment = informers.get('deployments', `${namespace}/${target.name}`);
    return deployment === undefined
      ? { kind: 'missing' }
      : { kind: 'found', workload: workloadOfDeployment(deployment) };
  }
  const { apiVersion, resource: kind, name } = target;
  try {
    const reading = await client.readScale({ apiVersion, kind }, namespace, name);
    return reading.kind === 'found'
      ? { kind: 'found', workload: workloadOfScale(target, reading.scale) }
      : reading;
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_FORBIDDEN')) throw error;
    return { kind: 'forbidden', message: describeError(error) };
  }
}

async function readNamedService(
  { client }: TriggerDependencies,
  namespace: string,
  target: FunctionTarget | undefined,
): Promise<Resource | 'missing' | undefined> {
  if (target?.kind !== 'service') return undefined;
  return (await client.get(serviceKind, namespace, target.name)) ?? 'missing';
}

/** The informers know only what the controller made. Whether somebody else's resource has the name, the API server is asked if it matters. */
async function readOwned(
  { client, informers }: TriggerDependencies,
  type: 'services' | 'scaledObjects',
  { metadata: { namespace = '', name } }: Resource,
  isNeeded: boolean,
): Promise<Resource | undefined> {
  const at = type === 'services' ? serviceNameOf(name) : scaledObjectNameOf(name);
  const kind = type === 'services' ? serviceKind : scaledObjectKind;
  return (
    informers.get(type, `${namespace}/${at}`) ?? (isNeeded ? client.get(kind, namespace, at) : undefined)
  );
}
