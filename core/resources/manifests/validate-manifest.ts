// Validates one declared trigger by itself, a Trigger or an annotated Deployment: what it declares, and all its mistakes.
import {
  annotatedPath,
  annotationPath,
  annotationsOf,
  annotationTable,
  annotationWording,
  declareByAnnotations,
  unknownAnnotation,
} from '../annotations.ts';
import { findWrongExpressions } from '../validation/find-wrong-expressions.ts';
import type { CheckExpression } from '../../contract/expressions.ts';
import { pathText, type Path } from '../../contract/path.ts';
import { invalid, type Mistake } from '../../contract/manifest-problem.ts';
import { devCommandAnnotation, type FilledTrigger } from '../schema/trigger-schema.ts';
import { validateTrigger, type TriggerValidation } from '../validation/validate-trigger.ts';
import { triggerWording } from '../validation/wording.ts';

export interface Validation {
  /** Undefined if the trigger has mistakes of its own. */
  readonly trigger: FilledTrigger | undefined;
  /** The Trigger with defaults, as far as its shape allows. */
  readonly filled: unknown;
  /** The path in the manifest at which a field of the trigger was written. */
  readonly place: (at: Path) => Path;
  readonly mistakes: readonly Mistake[];
}

/** `manifest` has the kind Trigger, and may have any mistakes. */
export function validateTriggerManifest(manifest: unknown, check: CheckExpression): Validation {
  const outcome = validateTrigger(manifest, triggerWording);
  const foreign = annotationsOf(manifest).filter(([key]) => key !== devCommandAnnotation);
  const mistakes = [...mistakesOf(outcome), ...foreign.map(([key]) => annotationOnTrigger(key))];
  return withExpressions({ ...outcomeOf(outcome), place: (at) => at, mistakes }, check);
}

function annotationOnTrigger(key: string): Mistake {
  const path = fieldPathOf(key);
  if (path === undefined) return unknownAnnotation(key);
  return invalid(annotationPath(key), 'key', 'is for Deployments', `In a Trigger, write ${path}.`);
}

/** The field that the annotation `key` sets; undefined if there is no such annotation. */
export function fieldPathOf(key: string): string | undefined {
  return annotationTable.find((annotation) => annotation.key === key)?.field.path;
}

/** `manifest` is a Deployment that has opted in. */
export function validateDeploymentManifest(manifest: unknown, check: CheckExpression): Validation {
  const { declared, mistakes } = declareByAnnotations(manifest);
  const outcome = validateTrigger(declared, annotationWording);
  const found = mistakesOf(outcome).map((mistake) => ({ ...mistake, at: annotatedPath(mistake.at) }));
  // One mistake per path: a value that is no string is not validated as a value too, nor a name as a reference.
  const byPlace = new Map(
    [...found.toReversed(), ...mistakes].map((mistake) => [pathText(mistake.at), mistake]),
  );
  const validation = { ...outcomeOf(outcome), place: annotatedPath, mistakes: [...byPlace.values()] };
  return withExpressions(validation, check);
}

/** `validation` with the mistakes in expressions, unless the same path has one already. */
function withExpressions(validation: Validation, check: CheckExpression): Validation {
  const known = new Set(validation.mistakes.map(({ at }) => pathText(at)));
  const wrong = findWrongExpressions(validation.filled, check)
    .map((mistake) => ({ ...mistake, at: validation.place(mistake.at) }))
    .filter(({ at }) => !known.has(pathText(at)));
  if (wrong.length === 0) return validation;
  return { ...validation, trigger: undefined, mistakes: [...validation.mistakes, ...wrong] };
}

function mistakesOf(outcome: TriggerValidation): readonly Mistake[] {
  return outcome.kind === 'wrong' ? outcome.mistakes : [];
}

function outcomeOf(outcome: TriggerValidation): Pick<Validation, 'trigger' | 'filled'> {
  if (outcome.kind === 'wrong') return { trigger: undefined, filled: outcome.filled };
  return { trigger: outcome.trigger, filled: outcome.trigger };
}
