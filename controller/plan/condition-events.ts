// What of a change of status a person should know: as Events, which `kubectl describe` shows.
import type { Condition } from '../../core/resources/trigger-status.ts';

export interface ConditionEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
}

/** Reasons that say no more than that something has just begun, or was meant. */
const quiet: ReadonlySet<string> = new Set(['NotAccepted', 'Suspended', 'Rebalancing']);

/** A condition that turned false, or is false for another reason; and Ready, when it turned true. */
export function conditionEventsOf(before: readonly Condition[], now: readonly Condition[]): ConditionEvent[] {
  return now.flatMap(({ type, status, reason, message }): ConditionEvent[] => {
    const known = before.find((condition) => condition.type === type);
    if (type === 'Ready')
      return status === 'True' && known?.status !== 'True' ? [{ type: 'Normal', reason, note: message }] : [];
    if (status !== 'False' || quiet.has(reason)) return [];
    return known?.status === 'False' && known.reason === reason
      ? []
      : [{ type: 'Warning', reason, note: message }];
  });
}
