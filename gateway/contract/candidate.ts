// A trigger that is wanted, by whichever front door, judged with the others of its installation in view.
import {
  annotatedPath,
  annotationPath,
  annotationsOf,
  annotationTable,
  annotationWording,
  declareByAnnotations,
  noText,
  topicsAnnotation,
  unknownAnnotation,
} from './annotations.ts';
import { findWrongExpressions, type CheckExpression } from './expressions.ts';
import { computedDefault, defaultNamespace } from './fields.ts';
import type { Manifest } from './open-manifest.ts';
import { pathText, valueAt, type Path } from './path.ts';
import { invalid, show, type Mistake } from './problem.ts';
import { devCommandAnnotation, type FilledTrigger } from './trigger.ts';
import { validateTrigger, type TriggerVerdict } from './validate-trigger.ts';
import { triggerWording } from './wording.ts';

export interface Candidate {
  readonly manifest: Manifest;
  /** Undefined unless the trigger, seen alone, is right. */
  readonly trigger: FilledTrigger | undefined;
  /** With defaults, as far as its shape allows. */
  readonly filled: unknown;
  /** Where a field of the trigger stands in the manifest. */
  readonly place: (at: Path) => Path;
  readonly mistakes: readonly Mistake[];
}

/** The candidate that a manifest stands for; undefined for a Deployment that has not opted in. */
export function judgeManifest(manifest: Manifest, check: CheckExpression): Candidate | undefined {
  if (manifest.door === 'trigger') return withExpressions(judgeTrigger(manifest), check);
  if (manifest.door !== 'deployment' || !hasOptedIn(manifest)) return undefined;
  return withExpressions(judgeDeployment(manifest), check);
}

/** `candidate` with the mistakes in its expressions, where nothing else is wrong with them. */
function withExpressions(candidate: Candidate, check: CheckExpression): Candidate {
  const known = new Set(candidate.mistakes.map(({ at }) => pathText(at)));
  const wrong = findWrongExpressions(candidate.filled, check)
    .map((mistake) => ({ ...mistake, at: candidate.place(mistake.at) }))
    .filter(({ at }) => !known.has(pathText(at)));
  if (wrong.length === 0) return candidate;
  return { ...candidate, trigger: undefined, mistakes: [...candidate.mistakes, ...wrong] };
}

function judgeTrigger(manifest: Manifest): Candidate {
  const verdict = validateTrigger(manifest.value, triggerWording);
  const foreign = annotationsOf(manifest.value).filter(([key]) => key !== devCommandAnnotation);
  const mistakes = [...mistakesOf(verdict), ...foreign.map(([key]) => annotationOnTrigger(key))];
  return { manifest, ...outcomeOf(verdict), place: (at) => at, mistakes };
}

function annotationOnTrigger(key: string): Mistake {
  const path = fieldPathOf(key);
  if (path === undefined) return unknownAnnotation(key);
  return invalid(annotationPath(key), 'key', 'is for Deployments', `In a Trigger, write ${path}.`);
}

function judgeDeployment(manifest: Manifest): Candidate {
  const { declared, mistakes } = declareByAnnotations(manifest.value);
  const verdict = validateTrigger(declared, annotationWording);
  const found = mistakesOf(verdict).map((mistake) => ({ ...mistake, at: annotatedPath(mistake.at) }));
  // One mistake per place: what is no text is not judged as a value too, nor a name as a reference.
  const byPlace = new Map(
    [...found.toReversed(), ...mistakes].map((mistake) => [pathText(mistake.at), mistake]),
  );
  return { manifest, ...outcomeOf(verdict), place: annotatedPath, mistakes: [...byPlace.values()] };
}

function mistakesOf(verdict: TriggerVerdict): readonly Mistake[] {
  return verdict.kind === 'wrong' ? verdict.mistakes : [];
}

function outcomeOf(verdict: TriggerVerdict): Pick<Candidate, 'trigger' | 'filled'> {
  if (verdict.kind === 'wrong') return { trigger: undefined, filled: verdict.filled };
  return { trigger: verdict.trigger, filled: verdict.trigger };
}

function hasOptedIn({ value }: Manifest): boolean {
  return annotationsOf(value).some(([key]) => key === topicsAnnotation);
}

/**
 * Two triggers of one name would be one, two of one consumer group would take each other's partitions: the
 * later is refused.
 */
export function findDoubles(candidates: readonly Candidate[]): ReadonlyMap<Candidate, Mistake> {
  const names = new Map<string, Candidate>();
  const groups = new Map<string, string>();
  const doubles = new Map<Candidate, Mistake>();
  for (const candidate of candidates) {
    const [namespace, name, declaredGroup] = [
      valueAt(candidate.filled, ['metadata', 'namespace']),
      valueAt(candidate.filled, ['metadata', 'name']),
      valueAt(candidate.filled, ['spec', 'source', 'consumerGroup']),
    ];
    if (typeof namespace !== 'string' || typeof name !== 'string') continue;
    const key = `${namespace}/${name}`;
    const ownGroup = computedDefault('spec.source.consumerGroup', { namespace, name });
    const group = typeof declaredGroup === 'string' ? declaredGroup : ownGroup;
    const [sameName, sameGroup] = [names.get(key), groups.get(group)];
    if (sameName !== undefined) doubles.set(candidate, sameNameMistake(name, namespace, sameName));
    else if (sameGroup !== undefined) doubles.set(candidate, sameGroupMistake(group, sameGroup, candidate));
    else groups.set(group, key);
    if (sameName === undefined) names.set(key, candidate);
  }
  return doubles;
}

function sameNameMistake(name: string, namespace: string, { manifest }: Candidate): Mistake {
  const { line } = manifest.document.locate(manifest.base, 'value');
  const place = `${manifest.document.file}:${line}`;
  const message = `is taken in namespace ${namespace}: ${place} declares ${name} already`;
  return invalid(['metadata', 'name'], 'value', message, 'Write another name, or remove one of the two.');
}

function sameGroupMistake(group: string, other: string, { place }: Candidate): Mistake {
  const whose = `must be the trigger’s own, but ${group} is the group of ${other}`;
  const message = `${whose}: each would take the other’s partitions`;
  return invalid(
    place(['spec', 'source', 'consumerGroup']),
    'value',
    message,
    'Leave it out, or write another.',
  );
}

/** The annotations of a Deployment that nothing reads, because it has not opted in. */
export function findStrayAnnotations(manifest: Manifest, candidates: readonly Candidate[]): Mistake[] {
  if (manifest.door !== 'deployment' || hasOptedIn(manifest)) return [];
  const trigger = candidates.find((candidate) => refersTo(candidate, manifest));
  return annotationsOf(manifest.value).flatMap(([key, value]) => {
    if (key === devCommandAnnotation)
      return typeof value === 'string' && value !== '' ? [] : noText(key, value);
    const path = fieldPathOf(key);
    if (path === undefined) return unknownAnnotation(key);
    const remedy =
      trigger === undefined
        ? `Add \`${topicsAnnotation}\`, or remove it.`
        : `Write ${path} in the Trigger ${nameOf(trigger)} that refers to this Deployment.`;
    return invalid(annotationPath(key), 'key', `has no effect without ${topicsAnnotation}`, remedy);
  });
}

function fieldPathOf(key: string): string | undefined {
  return annotationTable.find((annotation) => annotation.key === key)?.field.path;
}

function nameOf({ filled }: Candidate): string {
  return show(valueAt(filled, ['metadata', 'name']));
}

/** Whether the function of `candidate` is this Deployment. */
export function refersTo({ filled }: Candidate, { value }: Manifest): boolean {
  const ref = valueAt(filled, ['spec', 'function', 'ref']);
  if (typeof valueAt(ref, ['name']) !== 'string') return false;
  return (
    valueAt(ref, ['apiVersion']) === 'apps/v1' &&
    valueAt(ref, ['kind']) === 'Deployment' &&
    valueAt(ref, ['name']) === valueAt(value, ['metadata', 'name']) &&
    valueAt(filled, ['metadata', 'namespace']) ===
      (valueAt(value, ['metadata', 'namespace']) ?? defaultNamespace)
  );
}
