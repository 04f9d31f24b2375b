// Accepted: the Trigger is valid, and does not conflict with another.
import { conditionFalse, conditionTrue } from './condition-state.ts';
import type { ConditionState, ObservedState } from '../observed-state.ts';

export function acceptedCondition({
  parsed,
  groupHolder,
  annotationsIgnored,
  trigger,
}: ObservedState): ConditionState {
  if (parsed.kind === 'wrong') return conditionFalse(parsed.reason, parsed.message);
  if (groupHolder !== undefined) {
    const { consumerGroup } = parsed.subscription.source;
    const message = `The consumer group ${consumerGroup} belongs to Trigger ${groupHolder}, which is older: each of the two would take the other’s partitions. A group cannot be changed: delete this Trigger, and create it again with another spec.source.consumerGroup, or without one.`;
    return conditionFalse('ConsumerGroupTaken', message);
  }
  if (annotationsIgnored) {
    const { name } = trigger.metadata;
    const message = `The annotations of Deployment ${name} have no effect, because this Trigger has the same name and was not made from them. Remove the annotations, or delete this Trigger.`;
    return conditionTrue('AnnotationsIgnored', message);
  }
  return conditionTrue('Accepted', 'The Trigger is valid.');
}
