// One Deployment: the Trigger that its annotations mean is made, changed or removed, as plan/plan-deployment.ts decides.
import { describeError } from '../core/contract/errors.ts';
import { triggerKind } from '../core/resources/kinds.ts';
import type { Resource } from '../core/contract/kubernetes-client.ts';
import { mistakesAnnotation } from '../core/resources/trigger-resource.ts';
import { fieldManager, keyOf } from './names.ts';
import { withAppliedHash } from './plan/drift.ts';
import { planDeclare } from './plan/plan-deployment.ts';
import { isRefusal, removeExactly, type Requeue, type TriggerDependencies } from './reconcile-trigger.ts';
import { applyResource } from './apply-resource.ts';

const waitMs = 1_000;

export async function reconcileDeployment(deps: TriggerDependencies, deployment: Resource): Promise<Requeue> {
  const { client, view, events, model, assertLeading } = deps;
  const { namespace = '', name } = deployment.metadata;
  const declare = model.declare.bind(model);
  const known = view.find('triggers', keyOf(deployment));
  let step = planDeclare({ deployment, trigger: known, declare });
  // What is not known may be there all the same: a watch is always a little late.
  if (step.kind === 'apply' && known === undefined) {
    const trigger = await client.get(triggerKind, namespace, name);
    step = planDeclare({ deployment, trigger, declare });
  }
  assertLeading();
  switch (step.kind) {
    case 'nothing':
      return undefined;
    case 'wait':
      return { inMs: waitMs };
    case 'remove':
      await removeExactly(client, step.trigger);
      return undefined;
    case 'shadowed': {
      const note = `Trigger ${name} is there already, and was not made from these annotations: they mean nothing until it is removed.`;
      events.record(deployment, { type: 'Warning', reason: 'AnnotationsIgnored', note });
      return undefined;
    }
    case 'apply':
      return applyDeclared(deps, deployment, step.trigger, known);
  }
}

/** What the API server refuses, such as another consumer group, is told in the Trigger that was right before. */
async function applyDeclared(
  { client, events }: TriggerDependencies,
  deployment: Resource,
  wanted: Resource,
  known: Resource | undefined,
): Promise<Requeue> {
  try {
    await applyResource(client, known, wanted);
    return undefined;
  } catch (error) {
    if (!isRefusal(error, known)) throw error;
    const note = describeError(error);
    events.record(deployment, { type: 'Warning', reason: 'AnnotationsRefused', note });
    if (known === undefined) return 'failed';
    const annotations = { ...wanted.metadata.annotations, [mistakesAnnotation]: JSON.stringify([note]) };
    const told = { ...wanted, spec: known.spec, metadata: { ...wanted.metadata, annotations } };
    await client.apply(withAppliedHash(told), { fieldManager, force: true });
    return undefined;
  }
}
