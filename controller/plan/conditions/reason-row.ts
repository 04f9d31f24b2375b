// A row of the table of reasons.
import type { ConditionType } from '../../../core/resources/trigger-status.ts';

export interface ReasonRow {
  /** The conditions that have it, and `Event` where an Event has it. Ready has the reason of another condition, unless all is in order. */
  readonly of: readonly (ConditionType | 'Event')[];
  /** What is the case. */
  readonly meaning: string;
  /** What to do; empty where nothing is to be done. */
  readonly remedy: string;
}
