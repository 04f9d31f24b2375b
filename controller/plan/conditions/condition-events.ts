// Changes of conditions → Events, which `kubectl describe` shows.
import type { Condition } from '../../../core/resources/trigger-status.ts';

export interface ConditionEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
}

/** Reasons that need nobody's attention: they pass by themselves, or somebody wanted it so. */
const unreported: ReadonlySet<string> = new Set(['NotAccepted', 'Suspended', 'Rebalancing']);

/** A Warning for a condition that has become false, or is false for a new reason; a Normal Event when Ready becomes true. */
export function conditionEventsOf(before: readonly Condition[], now: readonly Condition[]): ConditionEvent[] {
  return now.flatMap(({ type, status, reason, message }): ConditionEvent[] => {
    const known = before.find((condition) => condition.type === type);
    if (type === 'Ready')
      return status === 'True' && known?.status !== 'True' ? [{ type: 'Normal', reason, note: message }] : [];
    if (status !== 'False' || unreported.has(reason)) return [];
    return known?.status === 'False' && known.reason === reason
      ? []
      : [{ type: 'Warning', reason, note: message }];
  });
}
