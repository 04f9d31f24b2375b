// DeadLetterReady: the topics for dead letters and replies exist, and may be written to.
import { conditionFalse, conditionUnknown, conditionTrue } from './condition-state.ts';
import type { ConditionState, KafkaState } from './observed-state.ts';

export function deadLetterCondition(kafka: KafkaState | undefined): ConditionState {
  if (kafka === undefined)
    return conditionUnknown('NotCheckedYet', 'Kafka is being asked; this passes in seconds.');
  const { stores } = kafka;
  const missing = stores.find(({ state }) => state === 'missing');
  if (missing !== undefined) {
    const { what, topic } = missing;
    const message = `Topic ${topic}, for ${what}, does not exist: create it; until then a record that needs it blocks its lane.`;
    return conditionFalse(what === 'replies' ? 'ReplyTopicMissing' : 'TopicMissing', message);
  }
  const forbidden = stores.find(({ state }) => state === 'forbidden');
  if (forbidden !== undefined) {
    const { what, topic } = forbidden;
    const message = `Kafka does not allow our user to write the topic ${topic}, for ${what}: grant it that right; until then a record that needs it blocks its lane.`;
    return conditionFalse('KafkaForbidden', message);
  }
  const unanswered = stores.find(({ state }) => state === 'unknown');
  if (unanswered !== undefined) {
    const message = `Whether topic ${unanswered.topic}, for ${unanswered.what}, exists is unknown: Kafka does not answer.`;
    return conditionUnknown('KafkaUnreachable', message);
  }
  const deadLetters = stores.find(({ what }) => what === 'dead letters');
  if (deadLetters === undefined) {
    const message =
      'The trigger has no dead-letter topic: a record that the function never takes blocks its lane.';
    return conditionTrue('NotUsed', message);
  }
  return conditionTrue('TopicExists', `Topic ${deadLetters.topic} takes dead letters.`);
}
