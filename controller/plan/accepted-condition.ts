// Accepted: the Trigger is valid, and does not conflict with another.
import { conditionFalse, conditionTrue } from './condition-state.ts';
import type { ConditionState, ObservedState } from './observed-state.ts';

export function acceptedCondition({
  parsed,
  groupHolder,
  annotationsIgnored,
  trigger,
}: ObservedState): ConditionState {
  if (parsed.kind === 'wrong') return conditionFalse(parsed.reason, parsed.message);
  if (groupHolder !== undefined) {
    const { consumerGroup } = parsed.subscription.source;
    const message = `The group ${consumerGroup} is that of Trigger ${groupHolder}: each would take the other’s partitions. Give this one another spec.source.consumerGroup, or leave it out.`;
    return conditionFalse('ConsumerGroupTaken', message);
  }
  if (annotationsIgnored) {
    const { name } = trigger.metadata;
    const message = `The annotations of Deployment ${name} mean nothing: this Trigger has its name, and was not made from them. Remove the annotations, or this Trigger.`;
    return conditionTrue('AnnotationsIgnored', message);
  }
  return conditionTrue('Accepted', 'The Trigger is right.');
}
