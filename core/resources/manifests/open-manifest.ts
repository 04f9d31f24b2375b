// Recognizes the manifests that concern Millrace. One that was meant for it, but has a wrong version, kind or spelling, is a mistake;
// all others are ignored.
import { annotationPath, annotationsOf, topicsAnnotation } from '../annotations.ts';
import { editDistance, nearest } from '../../contract/nearest-name.ts';
import { valueAt, type Path } from '../../contract/path.ts';
import { invalid, show, type Mistake } from '../../contract/manifest-problem.ts';
import { apiGroup, apiVersion } from '../schema/trigger-schema.ts';
import type { YamlDocument } from './yaml-documents.ts';

export interface Manifest {
  readonly kind: 'trigger' | 'kafka-cluster' | 'deployment' | 'none';
  readonly value: unknown;
  /** The path of the manifest in `document`: empty, except in a List. */
  readonly base: Path;
  readonly document: YamlDocument;
  readonly mistakes: readonly Mistake[];
}

/** The manifests of a document that concern Millrace: one, none, or the ones among the items of a `kind: List`. */
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
    return [{ kind: 'trigger', value, base, document, mistakes: [] }];
  if (version === apiVersion && kind === 'KafkaCluster')
    return [{ kind: 'kafka-cluster', value, base, document, mistakes: [] }];
  if (version === 'apps/v1' && kind === 'Deployment') {
    return [{ kind: 'deployment', value, base, document, mistakes: inTemplate(value) }];
  }
  const mistake = foreign(value, version, kind);
  return mistake === undefined ? [] : [{ kind: 'none', value, base, document, mistakes: [mistake] }];
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

/** Annotations in the pod template of a Deployment are a common mistake, and have no effect. */
export function inTemplate(deployment: unknown): Mistake[] {
  const path = ['spec', 'template'];
  return annotationsOf(valueAt(deployment, path)).map(([key]) =>
    invalid(
      [...path, ...annotationPath(key)],
      'key',
      'has no effect in the pod template',
      'Move it to metadata.annotations of the Deployment.',
    ),
  );
}
