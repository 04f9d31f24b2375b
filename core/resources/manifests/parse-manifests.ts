// Manifest files → subscriptions and problems, without any I/O. Triggers and annotated Deployments become subscriptions, with the brokers
// of their KafkaClusters. Every mistake is reported at once, with its place in the file.
import { posix } from 'node:path';
import { annotationPath } from '../annotations.ts';
import {
  findDuplicates,
  findStrayAnnotations,
  validateManifest,
  refersTo,
  type Candidate,
} from './candidate.ts';
import { onlyInKubernetes } from '../cluster-resolution.ts';
import type { CheckExpression } from '../../contract/expressions.ts';
import {
  chooseCluster,
  findDuplicateClusters,
  knownCluster,
  validateKafkaCluster,
  type KnownCluster,
} from '../kafka-cluster.ts';
import { openManifest, type Manifest } from './open-manifest.ts';
import { pathText, valueAt } from '../../contract/path.ts';
import { invalid, show, type Mistake, type Problem } from '../../contract/manifest-problem.ts';
import { resolveSubscription } from '../resolve-subscription.ts';
import type { Subscription } from '../../contract/subscription.ts';
import { devCommandAnnotation } from '../schema/trigger-schema.ts';
import { parseYaml, type ManifestFile } from './yaml-documents.ts';

export interface ParsedManifests {
  readonly subscriptions: Subscription[];
  readonly problems: Problem[];
  /** KafkaClusters without mistakes that work in Kubernetes only. */
  readonly kubernetesOnly: Problem[];
}

/**
 * Reads all manifests of one installation at once. Only triggers without mistakes become subscriptions; manifests of other kinds are
 * ignored. `checkExpression` compiles filters. Problems come in the order of `files`, then of lines. Never throws.
 */
export function parseManifests(
  files: readonly ManifestFile[],
  checkExpression: CheckExpression,
): ParsedManifests {
  const parsed = files.map(parseYaml);
  const manifests = parsed.flatMap(({ documents }) => documents).flatMap(openManifest);
  const candidates = manifests
    .map((manifest) => validateManifest(manifest, checkExpression))
    .filter((candidate) => candidate !== undefined);
  const clusters = manifests.filter(({ kind }) => kind === 'kafka-cluster').map(readCluster);
  const refused = new Map([
    ...findUnknownClusters(candidates, clusters),
    ...findDuplicates(candidates, clusters),
  ]);
  const problems = [
    ...parsed.flatMap((file) => file.problems),
    ...manifests.flatMap((manifest) => locate(manifest.mistakes, manifest)),
    ...manifests.flatMap((manifest) => locate(findStrayAnnotations(manifest, candidates), manifest)),
    ...candidates.flatMap(({ mistakes, manifest }) => locate(mistakes, manifest)),
    ...[...refused].flatMap(([{ manifest }, mistake]) => locate([mistake], manifest)),
    ...clusters.flatMap(({ mistakes, manifest }) => locate(mistakes, manifest)),
    ...findDuplicateClusters(clusters).flatMap((cluster) => locate([sameCluster(cluster)], cluster.manifest)),
  ];
  const subscriptions = candidates.flatMap((candidate) => {
    const { trigger, mistakes, manifest } = candidate;
    if (trigger === undefined || mistakes.length + manifest.mistakes.length > 0 || refused.has(candidate))
      return [];
    const choice = chooseCluster(trigger, clusters);
    if (choice.kind !== 'found') return [];
    return [resolveSubscription(trigger, devOf(candidate, manifests), choice.access)];
  });
  const kubernetesOnly = clusters
    .filter(({ access, mistakes }) => access === undefined && mistakes.length === 0)
    .flatMap(({ manifest }) => locate([onlyInKubernetes(manifest.value)], manifest));
  return { subscriptions, problems: inReadingOrder(problems, files), kubernetesOnly };
}

interface DeclaredCluster extends KnownCluster {
  readonly manifest: Manifest;
  readonly mistakes: readonly Mistake[];
}

function readCluster(manifest: Manifest): DeclaredCluster {
  const validation = validateKafkaCluster(manifest.value);
  return {
    manifest,
    mistakes: validation.kind === 'wrong' ? validation.mistakes : [],
    ...knownCluster(validation),
  };
}

function sameCluster({ name, namespace }: KnownCluster): Mistake {
  const message = `is the name of another KafkaCluster in namespace ${String(namespace)} too: ${show(name)}`;
  return invalid(['metadata', 'name'], 'value', message, 'Write another name, or remove one of the two.');
}

function findUnknownClusters(
  candidates: readonly Candidate[],
  clusters: readonly KnownCluster[],
): ReadonlyMap<Candidate, Mistake> {
  const unknown = new Map<Candidate, Mistake>();
  for (const candidate of candidates) {
    if (candidate.trigger === undefined) continue;
    const choice = chooseCluster(candidate.trigger, clusters);
    if (choice.kind === 'unknown' || choice.kind === 'ungranted')
      unknown.set(candidate, { ...choice.mistake, at: candidate.place(choice.mistake.at) });
  }
  return unknown;
}

function locate(mistakes: readonly Mistake[], { base, document }: Manifest): Problem[] {
  return mistakes.map(({ code, at, on, message, remedy }) => {
    const position = document.locate([...base, ...at], on);
    return { code, path: pathText(at), message, remedy, file: document.file, ...position };
  });
}

function inReadingOrder(problems: readonly Problem[], files: readonly ManifestFile[]): Problem[] {
  const rank = new Map<string | undefined, number>(files.map(({ file }, index) => [file, index]));
  const sizes = ({ file, line, column }: Problem) =>
    [Number(rank.get(file)), line, column] as [number, number, number];
  return problems.toSorted((a, b) => {
    const [left, right] = [sizes(a), sizes(b)];
    return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
  });
}

/** The command that starts the function on one machine: that of the trigger, else that of the Deployment it refers to. */
function devOf(candidate: Candidate, manifests: readonly Manifest[]): Subscription['dev'] {
  const deployment = manifests.find(
    (manifest) => manifest.kind === 'deployment' && refersTo(candidate, manifest),
  );
  for (const manifest of [candidate.manifest, deployment]) {
    const command = valueAt(manifest?.value, annotationPath(devCommandAnnotation));
    if (manifest !== undefined && typeof command === 'string') {
      return { command, directory: posix.dirname(manifest.document.file) };
    }
  }
  return undefined;
}
