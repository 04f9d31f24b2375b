// Which front door a manifest comes in by. What only looks like ours, by a wrong version, kind or spelling,
// is a mistake; what is plainly something else is passed over.
import { annotationPath, annotationsOf, topicsAnnotation } from '../annotations.ts';
import { editDistance, nearest } from '../../contract/nearest-name.ts';
import { valueAt, type Path } from '../../contract/path.ts';
import { invalid, show, type Mistake } from '../../contract/problem.ts';
import { apiGroup, apiVersion } from '../schema/trigger-schema.ts';
import type { YamlDocument } from './yaml-documents.ts';

export interface Manifest {
  readonly door: 'trigger' | 'kafka-cluster' | 'deployment' | 'none';
  readonly value: unknown;
  /** Where in `document` it stands: elsewhere than at the top in a List only. */
  readonly base: Path;
  readonly document: YamlDocument;
  readonly mistakes: readonly Mistake[];
}

/**
 * The manifests of a document that concern Millrace: one, none, or those among the items of a `kind: List`.
 */
export function openManifest(document: YamlDocument): Manifest[] {
  return open(document.value, [], document);
}

function open(value: unknown, base: Path, document: YamlDocument): Manifest[] {
  const [version, kind] = [valueAt(value, ['apiVersion']), valueAt(value, ['kind'])];
  const items = valueAt(value, ['items']);
  if (version === 'v1' && kind === 'List' && Array.isArray(items)) {
    return items.flatMap((item, index) => open(item, [...base, 'items', index], document));
  }
  if (version === apiVersion && kind === 'Trigger')
    return [{ door: 'trigger', value, base, document, mistakes: [] }];
  if (version === apiVersion && kind === 'KafkaCluster')
    return [{ door: 'kafka-cluster', value, base, document, mistakes: [] }];
  if (version === 'apps/v1' && kind === 'Deployment') {
    return [{ door: 'deployment', value, base, document, mistakes: inTemplate(value) }];
  }
  const mistake = foreign(value, version, kind);
  return mistake === undefined ? [] : [{ door: 'none', value, base, document, mistakes: [mistake] }];
}

function foreign(value: unknown, version: unknown, kind: unknown): Mistake | undefined {
  if (version === apiVersion) return wrongKind(kind);
  const [group] = (typeof version === 'string' ? version : '').split('/', 1) as [string];
  const anonymousTrigger = version === undefined && kind === 'Trigger';
  if (anonymousTrigger || editDistance(group, apiGroup) <= 2) {
    const message = version === undefined ? 'is missing' : `must be ${apiVersion}, is ${show(version)}`;
    return invalid(['apiVersion'], 'value', message, `Write \`apiVersion: ${apiVersion}\`.`);
  }
  if (!annotationsOf(value).some(([key]) => key === topicsAnnotation)) return undefined;
  return invalid(
    annotationPath(topicsAnnotation),
    'key',
    'has no effect here: annotations of Millrace are read on a Deployment of apps/v1',
    'Write a Trigger whose function.ref names this resource.',
  );
}

function wrongKind(kind: unknown): Mistake {
  const message = kind === undefined ? 'is missing' : `must be Trigger or KafkaCluster, is ${show(kind)}`;
  const meant =
    (typeof kind === 'string' ? nearest(kind, ['Trigger', 'KafkaCluster']) : undefined) ?? 'Trigger';
  return invalid(['kind'], 'value', message, `Write \`kind: ${meant}\`.`);
}

/** Annotations on the pods of a Deployment are a common slip, and would do nothing. */
export function inTemplate(deployment: unknown): Mistake[] {
  const path = ['spec', 'template'];
  return annotationsOf(valueAt(deployment, path)).map(([key]) =>
    invalid(
      [...path, ...annotationPath(key)],
      'key',
      'has no effect on the pods',
      'Move it up to the metadata of the Deployment.',
    ),
  );
}
