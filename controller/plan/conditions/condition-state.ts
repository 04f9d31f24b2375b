// The three states of a condition, as functions of its reason and its message. A message that the API server would refuse is cut here.
import type { ConditionState } from '../observed-state.ts';
import type { Reason } from './reasons.ts';

/** The most characters that the message of a condition may have, in code points: the limit of Kubernetes for every condition. */
export const maxMessage = 32_768;

export function conditionTrue(reason: Reason, message: string): ConditionState {
  return { status: 'True', reason, ...shortened(message) };
}

export function conditionFalse(reason: Reason, message: string): ConditionState {
  return { status: 'False', reason, ...shortened(message) };
}

export function conditionUnknown(reason: Reason, message: string): ConditionState {
  return { status: 'Unknown', reason, ...shortened(message) };
}

function shortened(message: string): Pick<ConditionState, 'message' | 'whole'> {
  // A text has at least as many UTF-16 units as code points.
  if (message.length <= maxMessage) return { message };
  const characters = Array.from(message);
  if (characters.length <= maxMessage) return { message };
  const note = (cut: number): string =>
    `… (${cut} more characters: the log of the scaler has the whole message)`;
  const kept = maxMessage - note(characters.length).length;
  return { message: characters.slice(0, kept).join('') + note(characters.length - kept), whole: message };
}
