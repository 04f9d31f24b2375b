// A trigger that is being deleted, let go of step by step as plan/plan-drain.ts decides.
import type { Resource } from '../core/contract/kubernetes-client.ts';
import { drainFinalizer, isMadeFor, keyOf } from './names.ts';
import { planDrain } from './plan/plan-drain.ts';
import { statusOf } from './plan/status.ts';
import { removeExactly, setFinalizers, type Requeue, type TriggerDependencies } from './reconcile-trigger.ts';

export async function drainTrigger(deps: TriggerDependencies, trigger: Resource): Promise<Requeue> {
  const { client, view, events, assertLeading } = deps;
  const known = view.find('scaledObjects', keyOf(trigger));
  const scaledObject = known !== undefined && isMadeFor(known, trigger) ? known : undefined;
  const members = await membersOf(deps, trigger);
  const step = planDrain({ nowMs: Date.now(), trigger, members, scaledObject });
  if (step.kind === 'nothing') return undefined;
  if (step.kind === 'wait') return { inMs: step.forMs };
  assertLeading();
  if (step.late !== undefined)
    events.record(trigger, { type: 'Warning', reason: 'DrainTimedOut', note: step.late });
  if (step.kind === 'removeScaledObject') {
    await removeExactly(client, step.resource);
    return { inMs: 1_000 };
  }
  await setFinalizers(client, trigger, (all) => all.filter((one) => one !== drainFinalizer));
  return undefined;
}

/** Of its group; 0 where no group was ever known. */
async function membersOf(
  { triggerCache, kafkaPoll }: TriggerDependencies,
  trigger: Resource,
): Promise<number | undefined> {
  const reading = triggerCache.of(trigger);
  if (reading?.kind === 'right') {
    const { consumerGroup, access } = reading.subscription.source;
    // A group that another trigger has is not given up by deleting this one.
    if (triggerCache.holders.groupOf(reading.subscription) !== undefined) return 0;
    return kafkaPoll.members(consumerGroup, access);
  }
  const { consumerGroup = '' } = statusOf(trigger);
  return consumerGroup === '' ? 0 : kafkaPoll.members(consumerGroup, undefined);
}
