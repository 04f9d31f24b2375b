// Why nothing could be written, in our words where somebody refused it.
import { explainRefusal } from './refusal.ts';
import { topicsForbidden } from './topics.ts';

export function explainWrite(error: Error, topic: string): Error {
  const refusal = explainRefusal(error);
  return refusal?.code === 'MILLRACE_KAFKA_FORBIDDEN'
    ? topicsForbidden('write', [topic])
    : (refusal ?? error);
}
