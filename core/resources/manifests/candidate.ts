// A declared trigger, and the checks that need the other triggers of the installation: duplicates, and annotations without effect.
import {
  annotationPath,
  annotationsOf,
  hasOptedIn,
  notAString,
  topicsAnnotation,
  unknownAnnotation,
} from '../annotations.ts';
import type { CheckExpression } from '../../contract/expressions.ts';
import { computedDefault, defaultNamespace } from '../schema/fields.ts';
import {
  fieldPathOf,
  validateDeploymentManifest,
  validateTriggerManifest,
  type Validation,
} from './validate-manifest.ts';
import { chooseCluster, type KnownCluster } from '../kafka-cluster.ts';
import type { Manifest } from './open-manifest.ts';
import { valueAt } from '../../contract/path.ts';
import { invalid, show, type Mistake } from '../../contract/manifest-problem.ts';
import { devCommandAnnotation } from '../schema/trigger-schema.ts';

export interface Candidate extends Validation {
  readonly manifest: Manifest;
}

/** The trigger that a manifest declares; undefined if it declares none, such as a Deployment that has not opted in. */
export function validateManifest(manifest: Manifest, check: CheckExpression): Candidate | undefined {
  const { kind, value } = manifest;
  if (kind === 'trigger') return { manifest, ...validateTriggerManifest(value, check) };
  if (kind !== 'deployment' || !hasOptedIn(value)) return undefined;
  return { manifest, ...validateDeploymentManifest(value, check) };
}

/**
 * Triggers that have the name or the consumer group of an earlier one. With the same name they would be one trigger; with the same
 * group each would take the other's partitions.
 */
export function findDuplicates(
  candidates: readonly Candidate[],
  clusters: readonly KnownCluster[] = [],
): ReadonlyMap<Candidate, Mistake> {
  const names = new Map<string, Candidate>();
  const groups = new Map<string, string>();
  const duplicates = new Map<Candidate, Mistake>();
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
    const groupKey = JSON.stringify([brokersOf(candidate, clusters), group]);
    const [sameName, sameGroup] = [names.get(key), groups.get(groupKey)];
    if (sameName !== undefined) duplicates.set(candidate, sameNameMistake(name, namespace, sameName));
    else if (sameGroup !== undefined)
      duplicates.set(candidate, sameGroupMistake(group, sameGroup, candidate));
    else groups.set(groupKey, key);
    if (sameName === undefined) names.set(key, candidate);
  }
  return duplicates;
}

/** Groups of the same name in two clusters are two groups. */
function brokersOf({ trigger }: Candidate, clusters: readonly KnownCluster[]): unknown {
  const choice = trigger === undefined ? undefined : chooseCluster(trigger, clusters);
  return choice?.kind === 'found' ? choice.access?.brokers.toSorted() : undefined;
}

function sameNameMistake(name: string, namespace: string, { manifest }: Candidate): Mistake {
  const { line } = manifest.document.locate(manifest.base, 'value');
  const place = `${manifest.document.file}:${line}`;
  const message = `is taken in namespace ${namespace}: ${place} declares ${name} already`;
  return invalid(['metadata', 'name'], 'value', message, 'Write another name, or remove one of the two.');
}

function sameGroupMistake(group: string, other: string, { place }: Candidate): Mistake {
  const whose = `must belong to this trigger alone, but ${group} is the group of ${other}`;
  const message = `${whose}: each would take the other’s partitions`;
  return invalid(
    place(['spec', 'source', 'consumerGroup']),
    'value',
    message,
    'Leave it out, or write another group.',
  );
}

/** The annotations of a Deployment that have no effect, because it has not opted in. */
export function findStrayAnnotations(manifest: Manifest, candidates: readonly Candidate[]): Mistake[] {
  if (manifest.kind !== 'deployment' || hasOptedIn(manifest.value)) return [];
  const trigger = candidates.find((candidate) => refersTo(candidate, manifest));
  return annotationsOf(manifest.value).flatMap(([key, value]) => {
    if (key === devCommandAnnotation)
      return typeof value === 'string' && value !== '' ? [] : notAString(key, value);
    const path = fieldPathOf(key);
    if (path === undefined) return unknownAnnotation(key);
    const remedy =
      trigger === undefined
        ? `Add \`${topicsAnnotation}\`, or remove this annotation.`
        : `Write ${path} in the Trigger ${nameOf(trigger)} that refers to this Deployment.`;
    return invalid(annotationPath(key), 'key', `has no effect without ${topicsAnnotation}`, remedy);
  });
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
