// What of a change of status a person should know: as Events, which `kubectl describe` shows.
import type { Condition } from '../../core/resources/trigger-status.ts';

export interface News {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
}

/** Reasons that say no more than that something has just begun, or was meant. */
const quiet: ReadonlySet<string> = new Set(['NotAccepted', 'Suspended', 'Rebalancing']);

/** A condition that turned false, or is false for another reason; and Ready, when it turned true. */
export function newsOf(before: readonly Condition[], now: readonly Condition[]): News[] {
  return now.flatMap(({ type, status, reason, message }): News[] => {
    const known = before.find((condition) => condition.type === type);
    if (type === 'Ready')
      return status === 'True' && known?.status !== 'True' ? [{ type: 'Normal', reason, note: message }] : [];
    if (status !== 'False' || quiet.has(reason)) return [];
    return known?.status === 'False' && known.reason === reason
      ? []
      : [{ type: 'Warning', reason, note: message }];
  });
}
