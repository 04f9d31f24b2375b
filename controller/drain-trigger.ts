// Reconciles a trigger that is being deleted, one step at a time, as plan/plan-drain.ts decides.
import { describeError, errorFields } from '../core/contract/errors.ts';
import { scaledObjectNameOf } from '../core/resources/derived-names.ts';
import type { Resource } from '../core/contract/kubernetes-client.ts';
import { drainFinalizer, isOwnedBy } from './ownership.ts';
import type { Reason } from './plan/conditions/reasons.ts';
import { planDrain, type DrainStep } from './plan/plan-drain.ts';
import { conditionBefore, failedStatus } from './plan/status.ts';
import type { Requeue, TriggerDependencies } from './trigger-dependencies.ts';
import { deleteResource } from './writes/delete-resource.ts';
import { patchFinalizers } from './writes/patch-finalizers.ts';

/** What fails is in the status: otherwise nothing would say why the trigger does not go. */
export async function drainTrigger(deps: TriggerDependencies, trigger: Resource): Promise<Requeue> {
  try {
    return await carryOut(deps, trigger, await nextStep(deps, trigger));
  } catch (error) {
    const failures = new Map([['ScalerReady', `the deletion waits: ${describeError(error)}`]] as const);
    await deps.statuses.write(trigger, { status: failedStatus(trigger, failures, Date.now()) });
    throw error;
  }
}

async function nextStep(deps: TriggerDependencies, trigger: Resource): Promise<DrainStep> {
  const { namespace = '', name } = trigger.metadata;
  const found = deps.informers.get('scaledObjects', `${namespace}/${scaledObjectNameOf(name)}`);
  const scaledObject = found !== undefined && isOwnedBy(found, trigger) ? found : undefined;
  const [members, isTerminating] = await Promise.all([
    countMembers(deps, trigger),
    deps.terminating.isTerminating(namespace),
  ]);
  return planDrain({ nowMs: Date.now(), trigger, members, scaledObject, isTerminating });
}

async function carryOut(deps: TriggerDependencies, trigger: Resource, step: DrainStep): Promise<Requeue> {
  const { client, events, assertLeading } = deps;
  if (step.kind === 'nothing') return undefined;
  if (step.kind === 'wait') return { afterMs: step.afterMs };
  assertLeading();
  if (step.timeoutNote !== undefined)
    events.record(trigger, {
      type: 'Warning',
      reason: 'DrainTimedOut' satisfies Reason,
      note: step.timeoutNote,
    });
  if (step.kind === 'deleteScaledObject') {
    await deleteResource(client, step.resource);
    return { afterMs: 1_000 };
  }
  await releaseAuthentication(deps, trigger);
  await patchFinalizers(client, trigger, (all) => all.filter((one) => one !== drainFinalizer));
  return undefined;
}

/** Before the finalizer goes: after a crash between the two, nobody would know of the authentication. */
async function releaseAuthentication(deps: TriggerDependencies, trigger: Resource): Promise<void> {
  const { authentications, terminating, scaler, log } = deps;
  const { namespace = '', name } = trigger.metadata;
  if (await terminating.isTerminating(namespace)) return;
  await authentications.release({ namespace, name }, scaler()).catch((error: unknown) => {
    log.warn({ namespace, ...errorFields(error) }, 'cannot remove the TriggerAuthentication of a namespace');
  });
}

/** Members of the trigger's consumer group; 0 if it never had one, undefined if Kafka does not answer. */
async function countMembers(
  { triggerCache, kafkaPoll }: TriggerDependencies,
  trigger: Resource,
): Promise<number | undefined> {
  // Another trigger has the group: its members do not leave because this trigger is deleted.
  if (conditionBefore(trigger, 'Accepted')?.reason === 'ConsumerGroupTaken') return 0;
  // What runs is what was accepted last, on the cluster that it was read with, though its KafkaCluster may be gone.
  const subscription = triggerCache.lastAccepted(trigger);
  if (subscription === undefined) return 0;
  const { consumerGroup, access } = subscription.source;
  return kafkaPoll.members(consumerGroup, access);
}
