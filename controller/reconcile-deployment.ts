// Reconciles one Deployment: creates, changes or deletes the Trigger that its annotations describe, as plan/plan-deployment.ts decides.
import { describeError } from '../core/contract/errors.ts';
import { triggerKind } from '../core/resources/kinds.ts';
import type { Resource } from '../core/contract/kubernetes-client.ts';
import { declareTrigger, mistakesAnnotation } from '../core/resources/trigger-resource.ts';
import { fieldManager, keyOf } from './ownership.ts';
import type { Reason } from './plan/conditions/reasons.ts';
import { withAppliedHash } from './plan/drift.ts';
import { planDeployment } from './plan/plan-deployment.ts';
import type { Requeue, TriggerDependencies } from './trigger-dependencies.ts';
import { applyResource, isRefusal } from './writes/apply-resource.ts';
import { deleteResource } from './writes/delete-resource.ts';

const waitMs = 1_000;

/** What fails is told by an Event of the Deployment, because there may be no Trigger whose status could tell it. */
export async function reconcileDeployment(deps: TriggerDependencies, deployment: Resource): Promise<Requeue> {
  try {
    return await reconcile(deps, deployment);
  } catch (error) {
    const note = `Millrace cannot make the Trigger of the annotations, and tries again: ${describeError(error)}`;
    deps.events.record(deployment, { type: 'Warning', reason: 'ReconcileFailed' satisfies Reason, note });
    throw error;
  }
}

async function reconcile(deps: TriggerDependencies, deployment: Resource): Promise<Requeue> {
  const { client, informers, events, assertLeading } = deps;
  const { namespace = '', name } = deployment.metadata;
  const cached = informers.get('triggers', keyOf(deployment));
  let step = planDeployment({ deployment, trigger: cached, fromAnnotations: declareTrigger });
  // The cache lags behind the API server, so a Trigger that is not in it may exist.
  if (step.kind === 'apply' && cached === undefined) {
    const trigger = await client.get(triggerKind, namespace, name);
    step = planDeployment({ deployment, trigger, fromAnnotations: declareTrigger });
  }
  assertLeading();
  switch (step.kind) {
    case 'nothing':
      return undefined;
    case 'wait':
      return { afterMs: waitMs };
    case 'delete':
      await deleteResource(client, step.trigger);
      return undefined;
    case 'shadowed': {
      const note = `The annotations have no effect, because Trigger ${name} exists already and was not made from them. Delete the Trigger, or remove the annotations.`;
      events.record(deployment, { type: 'Warning', reason: 'AnnotationsIgnored' satisfies Reason, note });
      return undefined;
    }
    case 'apply':
      return applyTrigger(deps, deployment, step.trigger, cached);
  }
}

/** If the API server refuses the new spec, such as another consumer group, the Trigger keeps the old one and carries the refusal. */
async function applyTrigger(
  { client, events }: TriggerDependencies,
  deployment: Resource,
  desired: Resource,
  cached: Resource | undefined,
): Promise<Requeue> {
  try {
    await applyResource(client, cached, desired);
    return undefined;
  } catch (error) {
    if (!isRefusal(error, cached)) throw error;
    const note = describeError(error);
    events.record(deployment, { type: 'Warning', reason: 'AnnotationsRefused' satisfies Reason, note });
    if (cached === undefined) return 'failed';
    const annotations = { ...desired.metadata.annotations, [mistakesAnnotation]: JSON.stringify([note]) };
    const refused = { ...desired, spec: cached.spec, metadata: { ...desired.metadata, annotations } };
    await client.apply(withAppliedHash(refused), { fieldManager, force: true });
    return undefined;
  }
}
