// Why nothing could be written, in our words where somebody refused it.
import { explainRefusal, topicsForbidden } from '../connection/security/security-errors.ts';

/** Who may write to no topic at all gets no producer id either (KIP-679): that too is a right that is missing to `topic`. */
export function explainWrite(error: Error, topic: string): Error {
  const refusal = explainRefusal(error);
  return refusal?.code === 'MILLRACE_KAFKA_FORBIDDEN'
    ? topicsForbidden('write', [topic])
    : (refusal ?? error);
}
