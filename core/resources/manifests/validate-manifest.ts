// A trigger that is wanted, by whichever front door, judged alone: what it means, and all that is wrong with it.
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
import { invalid, type Mistake } from '../../contract/problem.ts';
import { devCommandAnnotation, type FilledTrigger } from '../schema/trigger-schema.ts';
import { validateTrigger, type TriggerVerdict } from '../validation/validate-trigger.ts';
import { triggerWording } from '../validation/wording.ts';

export interface Validation {
  /** Undefined unless the trigger, seen alone, is right. */
  readonly trigger: FilledTrigger | undefined;
  /** With defaults, as far as its shape allows. */
  readonly filled: unknown;
  /** Where a field of the trigger stands in the manifest. */
  readonly place: (at: Path) => Path;
  readonly mistakes: readonly Mistake[];
}

/** `manifest` is a Trigger, as far as one can tell from its kind. */
export function validateTriggerManifest(manifest: unknown, check: CheckExpression): Validation {
  const verdict = validateTrigger(manifest, triggerWording);
  const foreign = annotationsOf(manifest).filter(([key]) => key !== devCommandAnnotation);
  const mistakes = [...mistakesOf(verdict), ...foreign.map(([key]) => annotationOnTrigger(key))];
  return withExpressions({ ...outcomeOf(verdict), place: (at) => at, mistakes }, check);
}

function annotationOnTrigger(key: string): Mistake {
  const path = fieldPathOf(key);
  if (path === undefined) return unknownAnnotation(key);
  return invalid(annotationPath(key), 'key', 'is for Deployments', `In a Trigger, write ${path}.`);
}

/** The field that the annotation `key` means; undefined where there is no such annotation. */
export function fieldPathOf(key: string): string | undefined {
  return annotationTable.find((annotation) => annotation.key === key)?.field.path;
}

/** `manifest` is a Deployment that has opted in. */
export function validateDeploymentManifest(manifest: unknown, check: CheckExpression): Validation {
  const { declared, mistakes } = declareByAnnotations(manifest);
  const verdict = validateTrigger(declared, annotationWording);
  const found = mistakesOf(verdict).map((mistake) => ({ ...mistake, at: annotatedPath(mistake.at) }));
  // One mistake per place: what is no text is not judged as a value too, nor a name as a reference.
  const byPlace = new Map(
    [...found.toReversed(), ...mistakes].map((mistake) => [pathText(mistake.at), mistake]),
  );
  const judgement = { ...outcomeOf(verdict), place: annotatedPath, mistakes: [...byPlace.values()] };
  return withExpressions(judgement, check);
}

/** `judgement` with the mistakes in the expressions, where nothing else is wrong with them. */
function withExpressions(judgement: Validation, check: CheckExpression): Validation {
  const known = new Set(judgement.mistakes.map(({ at }) => pathText(at)));
  const wrong = findWrongExpressions(judgement.filled, check)
    .map((mistake) => ({ ...mistake, at: judgement.place(mistake.at) }))
    .filter(({ at }) => !known.has(pathText(at)));
  if (wrong.length === 0) return judgement;
  return { ...judgement, trigger: undefined, mistakes: [...judgement.mistakes, ...wrong] };
}

function mistakesOf(verdict: TriggerVerdict): readonly Mistake[] {
  return verdict.kind === 'wrong' ? verdict.mistakes : [];
}

function outcomeOf(verdict: TriggerVerdict): Pick<Validation, 'trigger' | 'filled'> {
  if (verdict.kind === 'wrong') return { trigger: undefined, filled: verdict.filled };
  return { trigger: verdict.trigger, filled: verdict.trigger };
}
