// Validates a declared Trigger: by its schema, and by trigger-rules.ts for the rules between fields.
import { fieldTable } from '../schema/fields.ts';
import { createSchemaValidator } from './validate-by-schema.ts';
import type { Mistake } from '../../contract/manifest-problem.ts';
import { triggerRules } from './trigger-rules.ts';
import { triggerSchema, type FilledTrigger } from '../schema/trigger-schema.ts';
import type { Wording } from './wording.ts';

const validate = createSchemaValidator({
  schema: triggerSchema,
  table: fieldTable,
  rules: triggerRules,
  maxSpecBytes: 64 * 1024,
});

export type TriggerValidation =
  | { readonly kind: 'right'; readonly trigger: FilledTrigger }
  /** `filled` is the Trigger with defaults, as far as its shape allows. */
  | { readonly kind: 'wrong'; readonly mistakes: readonly Mistake[]; readonly filled: unknown };

/** Does not change `declared`, which must hold no cycles. */
export function validateTrigger(declared: unknown, wording: Wording): TriggerValidation {
  const { filled, mistakes } = validate(declared, wording);
  if (mistakes.length > 0) return { kind: 'wrong', mistakes, filled };
  return { kind: 'right', trigger: filled as FilledTrigger };
}
