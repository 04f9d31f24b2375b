// DeadLetterReady: the topics for dead letters and replies exist, and may be written to.
import { conditionFalse, conditionUnknown, conditionTrue } from './condition-state.ts';
import type { ConditionState, KafkaState } from '../observed-state.ts';

export function deadLetterCondition(kafka: KafkaState | undefined): ConditionState {
  if (kafka === undefined)
    return conditionUnknown('NotCheckedYet', 'Kafka has not been asked yet. This passes within seconds.');
  const { stores } = kafka;
  const missing = stores.find(({ state }) => state === 'missing');
  if (missing !== undefined) {
    const { what, topic } = missing;
    const message = `The topic ${topic} for ${what} does not exist. Create it: until then, a record that needs it blocks its lane.`;
    return conditionFalse(what === 'replies' ? 'ReplyTopicMissing' : 'TopicMissing', message);
  }
  const forbidden = stores.find(({ state }) => state === 'forbidden');
  if (forbidden !== undefined) {
    const { what, topic } = forbidden;
    const message = `Kafka does not allow our user to write to the topic ${topic} for ${what}. Grant it this right: until then, a record that needs it blocks its lane.`;
    return conditionFalse('KafkaForbidden', message);
  }
  const unanswered = stores.find(({ state }) => state === 'unknown');
  if (unanswered !== undefined) {
    const message = `Millrace does not know whether the topic ${unanswered.topic} for ${unanswered.what} exists, because Kafka does not answer. It asks again by itself.`;
    return conditionUnknown('KafkaUnreachable', message);
  }
  const deadLetters = stores.find(({ what }) => what === 'dead letters');
  if (deadLetters === undefined) {
    const message =
      'The trigger has no dead-letter topic: a record that cannot be delivered blocks its lane.';
    return conditionTrue('NotUsed', message);
  }
  return conditionTrue('TopicExists', `Dead letters go to the topic ${deadLetters.topic}.`);
}
