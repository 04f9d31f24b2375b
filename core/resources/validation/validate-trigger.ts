// Judges a declared Trigger: by its schema, and by the rules of trigger-rules.ts, for what lies between fields
// no schema can say.
import { fieldTable } from '../schema/fields.ts';
import { createSchemaValidator } from './validate-by-schema.ts';
import type { Mistake } from '../../contract/problem.ts';
import { triggerRules } from './trigger-rules.ts';
import { triggerSchema, type FilledTrigger } from '../schema/trigger-schema.ts';
import type { Wording } from './wording.ts';

const judge = createSchemaValidator(triggerSchema, fieldTable, triggerRules);

export type TriggerVerdict =
  | { readonly kind: 'right'; readonly trigger: FilledTrigger }
  /** `filled` has the defaults too, as far as its shape allows. */
  | { readonly kind: 'wrong'; readonly mistakes: readonly Mistake[]; readonly filled: unknown };

/** Judges `declared`, which is left as it is; it must hold no cycles. */
export function validateTrigger(declared: unknown, wording: Wording): TriggerVerdict {
  const { filled, mistakes } = judge(declared, wording);
  if (mistakes.length > 0) return { kind: 'wrong', mistakes, filled };
  return { kind: 'right', trigger: filled as FilledTrigger };
}
