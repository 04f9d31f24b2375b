// Accepted: the Trigger is right, by itself and beside the others.
import { no, yes } from './findings.ts';
import type { Finding, Observed } from './observed.ts';

export function acceptedCondition({ reading, groupOf, shadows, trigger }: Observed): Finding {
  if (reading.kind === 'wrong') return no(reading.reason, reading.message);
  if (groupOf !== undefined) {
    const { consumerGroup } = reading.subscription.source;
    const message = `The group ${consumerGroup} is that of Trigger ${groupOf}: each would take the other’s partitions. Give this one another spec.source.consumerGroup, or leave it out.`;
    return no('ConsumerGroupTaken', message);
  }
  if (shadows) {
    const { name } = trigger.metadata;
    const message = `The annotations of Deployment ${name} mean nothing: this Trigger has its name, and was not made from them. Remove the annotations, or this Trigger.`;
    return yes('AnnotationsIgnored', message);
  }
  return yes('Accepted', 'The Trigger is right.');
}
