// Every reason that the controller gives, in conditions of Triggers and in Events: one table. docs/reference/conditions.md is made from it, and
// the functions of condition-state.ts take no other reason.
import { functionReasons } from './function-reasons.ts';
import { sourceReasons } from './source-reasons.ts';

export const reasonTable = { ...sourceReasons, ...functionReasons } as const;

export type Reason = keyof typeof reasonTable;
