// Why nothing could be written, in our words where somebody refused it.
import { explainRefusal, topicsForbidden } from '../connection/security-errors.ts';

export function explainWrite(error: Error, topic: string): Error {
  const refusal = explainRefusal(error);
  return refusal?.code === 'MILLRACE_KAFKA_FORBIDDEN'
    ? topicsForbidden('write', [topic])
    : (refusal ?? error);
}
