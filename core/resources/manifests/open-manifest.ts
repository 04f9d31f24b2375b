// Recognizes the manifests that concern Millrace. One that was meant for it, but has a wrong version, kind or spelling, is a mistake;
// all others are ignored.
import { annotationPath, annotationsOf, topicsAnnotation } from '../annotations.ts';
import { editDistance, nearest } from '../../contract/nearest-name.ts';
import { valueAt, type Path } from '../../contract/path.ts';
import { invalid, show, type Mistake } from '../../contract/manifest-problem.ts';
import { apiGroup, apiVersion } from '../schema/trigger-schema.ts';
import { waysToBrokers } from '../validation/kafka-cluster-rules.ts';
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
  if (version === 'apps/v1' && kind === 'Deployment') {
    return [{ kind: 'deployment', value, base, document, mistakes: inTemplate(value) }];
  }
  if (isOurs(version, kind)) return [openOurs(value, base, document)];
  if (!annotationsOf(value).some(([key]) => key === topicsAnnotation)) return [];
  return [{ kind: 'none', value, base, document, mistakes: [annotatedInVain()] }];
}

const kinds = { Trigger: 'trigger', KafkaCluster: 'kafka-cluster' } as const;
const kindNames = Object.keys(kinds) as (keyof typeof kinds)[];

/** Others have kinds of the same name, in groups of their own. */
function isOurs(version: unknown, kind: unknown): boolean {
  if (version === undefined) return kindNames.some((name) => name === kind);
  const [group] = (typeof version === 'string' ? version : '').split('/', 1) as [string];
  return editDistance(group, apiGroup) <= 2;
}

/** A wrong version or kind is reported. The rest is then read as what it most likely means, so that its mistakes are reported too. */
function openOurs(value: unknown, base: Path, document: YamlDocument): Manifest {
  const [version, kind] = [valueAt(value, ['apiVersion']), valueAt(value, ['kind'])];
  const meant = kindNames.find((name) => name === kind) ?? nearestKind(kind) ?? kindByFields(value);
  const mistakes = [
    ...(version === apiVersion ? [] : [wrong('apiVersion', apiVersion, version)]),
    ...(kind === meant && meant !== undefined ? [] : [wrongKind(kind, meant)]),
  ];
  if (meant === undefined) return { kind: 'none', value, base, document, mistakes };
  const read = mistakes.length === 0 ? value : { ...(value as object), apiVersion, kind: meant };
  return { kind: kinds[meant], value: read, base, document, mistakes };
}

function nearestKind(kind: unknown): keyof typeof kinds | undefined {
  const meant = typeof kind === 'string' ? nearest(kind, kindNames) : undefined;
  return kindNames.find((name) => name === meant);
}

function kindByFields(value: unknown): keyof typeof kinds | undefined {
  const has = (names: readonly string[]): boolean =>
    names.some((name) => valueAt(value, ['spec', name]) !== undefined);
  if (has(['source', 'function'])) return 'Trigger';
  return has(waysToBrokers) ? 'KafkaCluster' : undefined;
}

function wrongKind(kind: unknown, meant = 'Trigger'): Mistake {
  return wrong('kind', kindNames.join(' or '), kind, meant);
}

function wrong(field: string, expected: string, value: unknown, meant = expected): Mistake {
  const message = value === undefined ? 'is missing' : `must be ${expected}, is ${show(value)}`;
  return invalid([field], 'value', message, `Write \`${field}: ${meant}\`.`);
}

function annotatedInVain(): Mistake {
  return invalid(
    annotationPath(topicsAnnotation),
    'key',
    'has no effect here: annotations of Millrace are read on a Deployment of apps/v1',
    'Write a Trigger whose function.ref names this resource.',
  );
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
