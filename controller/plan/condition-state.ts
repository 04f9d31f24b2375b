// The three states of a condition, as functions of its reason and its message.
import type { ConditionState } from './observed-state.ts';

export function conditionTrue(reason: string, message: string): ConditionState {
  return { status: 'True', reason, message };
}

export function conditionFalse(reason: string, message: string): ConditionState {
  return { status: 'False', reason, message };
}

export function conditionUnknown(reason: string, message: string): ConditionState {
  return { status: 'Unknown', reason, message };
}
