// DeadLetterReady: the topics that the trigger stores to are there, and may be written.
import { no, unknown, yes } from './findings.ts';
import type { Finding, KafkaFacts } from './observed.ts';

export function storesCondition(kafka: KafkaFacts | undefined): Finding {
  if (kafka === undefined) return unknown('NotCheckedYet', 'Kafka is being asked; this passes in seconds.');
  const { stores } = kafka;
  const missing = stores.find(({ state }) => state === 'missing');
  if (missing !== undefined) {
    const { what, topic } = missing;
    const message = `Topic ${topic}, for ${what}, does not exist: create it; until then a record that needs it blocks its lane.`;
    return no(what === 'replies' ? 'ReplyTopicMissing' : 'TopicMissing', message);
  }
  const forbidden = stores.find(({ state }) => state === 'forbidden');
  if (forbidden !== undefined) {
    const { what, topic } = forbidden;
    const message = `Kafka does not allow our user to write the topic ${topic}, for ${what}: grant it that right; until then a record that needs it blocks its lane.`;
    return no('KafkaForbidden', message);
  }
  const unseen = stores.find(({ state }) => state === 'unknown');
  if (unseen !== undefined) {
    const message = `Whether topic ${unseen.topic}, for ${unseen.what}, exists is unknown: Kafka does not answer.`;
    return unknown('KafkaUnreachable', message);
  }
  const deadLetters = stores.find(({ what }) => what === 'dead letters');
  if (deadLetters === undefined) {
    const message =
      'The trigger has no dead-letter topic: a record that the function never takes blocks its lane.';
    return yes('NotUsed', message);
  }
  return yes('TopicExists', `Topic ${deadLetters.topic} takes dead letters.`);
}
