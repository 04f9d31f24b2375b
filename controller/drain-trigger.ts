// Reconciles a trigger that is being deleted, one step at a time, as plan/plan-drain.ts decides.
import type { Resource } from '../core/contract/kubernetes-client.ts';
import { deleteResource } from './delete-resource.ts';
import { drainFinalizer, isOwnedBy, keyOf } from './ownership.ts';
import { patchFinalizers } from './patch-finalizers.ts';
import { planDrain } from './plan/plan-drain.ts';
import { statusOf } from './plan/status.ts';
import type { Requeue, TriggerDependencies } from './reconcile-trigger.ts';

export async function drainTrigger(deps: TriggerDependencies, trigger: Resource): Promise<Requeue> {
  const { client, informers, events, assertLeading } = deps;
  const found = informers.get('scaledObjects', keyOf(trigger));
  const scaledObject = found !== undefined && isOwnedBy(found, trigger) ? found : undefined;
  const members = await countMembers(deps, trigger);
  const step = planDrain({ nowMs: Date.now(), trigger, members, scaledObject });
  if (step.kind === 'nothing') return undefined;
  if (step.kind === 'wait') return { afterMs: step.afterMs };
  assertLeading();
  if (step.timeoutNote !== undefined)
    events.record(trigger, { type: 'Warning', reason: 'DrainTimedOut', note: step.timeoutNote });
  if (step.kind === 'deleteScaledObject') {
    await deleteResource(client, step.resource);
    return { afterMs: 1_000 };
  }
  await patchFinalizers(client, trigger, (all) => all.filter((one) => one !== drainFinalizer));
  return undefined;
}

/** Members of the trigger's consumer group; 0 if the group was never known, undefined if Kafka does not answer. */
async function countMembers(
  { triggerCache, kafkaPoll }: TriggerDependencies,
  trigger: Resource,
): Promise<number | undefined> {
  const parsed = triggerCache.get(trigger);
  if (parsed?.kind === 'right') {
    const { consumerGroup, access } = parsed.subscription.source;
    // Another trigger has the group: its members do not leave because this trigger is deleted.
    if (triggerCache.conflicts.groupHolder(parsed.subscription) !== undefined) return 0;
    return kafkaPoll.members(consumerGroup, access);
  }
  const { consumerGroup = '' } = statusOf(trigger);
  return consumerGroup === '' ? 0 : kafkaPoll.members(consumerGroup, undefined);
}
