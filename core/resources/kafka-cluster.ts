// Which Kafka a trigger means: the KafkaCluster that it names, of its namespace or granted to it, or the installation’s own.
import { clusterFieldTable } from './schema/fields.ts';
import { createSchemaValidator } from './validation/validate-by-schema.ts';
import type { Authentication, KafkaAccess } from '../contract/kafka-access.ts';
import { kafkaClusterRules } from './validation/kafka-cluster-rules.ts';
import {
  kafkaClusterSchema,
  type FilledAuthentication,
  type FilledKafkaCluster,
} from './schema/kafka-cluster-schema.ts';
import type { Resource } from '../contract/kubernetes-client.ts';
import { nearest } from '../contract/nearest-name.ts';
import { valueAt } from '../contract/path.ts';
import { invalid, show, type Mistake } from '../contract/problem.ts';
import { parseBrokers } from '../contract/kafka-access.ts';
import { defaultCluster } from './schema/source-schema.ts';
import type { FilledTrigger } from './schema/trigger-schema.ts';
import { triggerWording } from './validation/wording.ts';

const judge = createSchemaValidator(kafkaClusterSchema, clusterFieldTable, kafkaClusterRules);

export type KafkaClusterVerdict =
  | { readonly kind: 'right'; readonly cluster: FilledKafkaCluster }
  /** `filled` has the defaults too, as far as its shape allows. */
  | { readonly kind: 'wrong'; readonly mistakes: readonly Mistake[]; readonly filled: unknown };

/** Judges `declared`, which is left as it is; it must hold no cycles. */
export function validateKafkaCluster(declared: unknown): KafkaClusterVerdict {
  const { filled, mistakes } = judge(declared, triggerWording);
  if (mistakes.length > 0) return { kind: 'wrong', mistakes, filled };
  return { kind: 'right', cluster: filled as FilledKafkaCluster };
}

/** A KafkaCluster that is there. */
export interface KnownCluster {
  readonly namespace: unknown;
  readonly name: unknown;
  /** Other namespaces whose triggers may use it, `*` for all; anything else among them grants nothing. */
  readonly allowedNamespaces: readonly unknown[];
  /** Undefined where it is wrong, or is not resolved. */
  readonly access: KafkaAccess | undefined;
}

export function knownCluster(verdict: KafkaClusterVerdict): KnownCluster {
  const filled = verdict.kind === 'right' ? verdict.cluster : verdict.filled;
  return {
    namespace: valueAt(filled, ['metadata', 'namespace']),
    name: valueAt(filled, ['metadata', 'name']),
    allowedNamespaces: allowedIn(filled),
    access: verdict.kind === 'right' ? accessOf(verdict.cluster) : undefined,
  };
}

/** Of a KafkaCluster that may have mistakes. */
function allowedIn(cluster: unknown): readonly unknown[] {
  const allowed = valueAt(cluster, ['spec', 'allowedNamespaces']);
  return Array.isArray(allowed) ? allowed : [];
}

function accessOf({ metadata: { namespace }, spec }: FilledKafkaCluster): KafkaAccess | undefined {
  const brokers = parseBrokers(spec.bootstrapServers ?? '');
  if (brokers === undefined) return undefined;
  const { tls, authentication } = spec;
  return {
    brokers,
    namespace,
    ...(tls === undefined ? {} : { tls }),
    ...(authentication === undefined ? {} : { authentication: onlyOfItsType(authentication) }),
  };
}

/** The rules have seen to it that its fields are those of its type. */
function onlyOfItsType(authentication: FilledAuthentication): Authentication {
  return authentication as Authentication;
}

export interface ClusterPlace {
  readonly namespace: string;
  readonly name: string;
}

/** Where the KafkaCluster is that a trigger of `namespace` names: `main`, or `platform/main`. */
export function placeOf(cluster: string, namespace: string): ClusterPlace {
  const [first, second] = cluster.split('/') as [string, string?];
  return second === undefined ? { namespace, name: first } : { namespace: first, name: second };
}

/**
 * Whether a trigger of `namespace` may read on from what it named as `cluster`: another's KafkaCluster has to be there, and to grant it, for
 * as long as it is used. What is of its own namespace, or the installation's, is not taken from it.
 */
export function isGranted(cluster: string, namespace: string, resources: readonly Resource[]): boolean {
  const place = placeOf(cluster, namespace);
  if (place.namespace === namespace) return true;
  return resources.some((resource) => {
    const { namespace: itsNamespace, name } = resource.metadata;
    const known = {
      namespace: itsNamespace,
      name,
      allowedNamespaces: allowedIn(resource),
      access: undefined,
    };
    return isAt(place, known) && mayUse(namespace, known);
  });
}

function isAt({ namespace, name }: ClusterPlace, cluster: KnownCluster): boolean {
  return cluster.namespace === namespace && cluster.name === name;
}

function mayUse(namespace: string, cluster: KnownCluster): boolean {
  const { allowedNamespaces } = cluster;
  return cluster.namespace === namespace || allowedNamespaces.some((one) => one === namespace || one === '*');
}

export type ClusterChoice =
  /** `access` is undefined for the installation’s own. */
  | { readonly kind: 'found'; readonly access: KafkaAccess | undefined }
  /** The KafkaCluster is there, and wrong, or what it names is not found. */
  | { readonly kind: 'wrong' }
  /** Of another namespace, and not granted, whether it is there or not. */
  | { readonly kind: 'unknown' | 'ungranted'; readonly mistake: Mistake };

export function chooseCluster(trigger: FilledTrigger, clusters: readonly KnownCluster[]): ClusterChoice {
  const wanted = trigger.spec.source.cluster;
  const { namespace } = trigger.metadata;
  const place = placeOf(wanted, namespace);
  const cluster = clusters.find((one) => isAt(place, one));
  if (cluster !== undefined && mayUse(namespace, cluster))
    return cluster.access === undefined ? { kind: 'wrong' } : { kind: 'found', access: cluster.access };
  if (wanted === defaultCluster) return { kind: 'found', access: undefined };
  const kind = place.namespace === namespace ? 'unknown' : 'ungranted';
  return { kind, mistake: notFound(trigger, kind, clusters) };
}

/** Says nothing of what the namespace may not use, not even whether it is there. */
function notFound(
  { metadata: { namespace }, spec }: FilledTrigger,
  kind: 'unknown' | 'ungranted',
  clusters: readonly KnownCluster[],
): Mistake {
  const wanted = spec.source.cluster;
  const usable = clusters.filter((cluster) => mayUse(namespace, cluster));
  const names = usable.map((one) =>
    one.namespace === namespace ? String(one.name) : `${String(one.namespace)}/${String(one.name)}`,
  );
  const meant = nearest(wanted, [...names, defaultCluster]);
  const remedy =
    meant === undefined
      ? remedies[kind](wanted, namespace)
      : `Did you mean ${triggerWording.example(['spec', 'source', 'cluster'], meant)}?`;
  const whose = kind === 'unknown' ? `of namespace ${namespace}` : `that namespace ${namespace} may use`;
  const message = `names no KafkaCluster ${whose}, is ${show(wanted)}`;
  return invalid(['spec', 'source', 'cluster'], 'value', message, remedy);
}

const remedies = {
  unknown: (wanted: string): string =>
    `Write a KafkaCluster ${wanted} in that namespace, or leave it out for the cluster of the installation.`,
  ungranted: (_wanted: string, namespace: string): string =>
    `Let whoever has the KafkaCluster write ${namespace} into its spec.allowedNamespaces, in a namespace that this installation watches.`,
};

/** The KafkaClusters whose name another one of their namespace, which comes first, has. */
export function findDoubleClusters<C extends KnownCluster>(clusters: readonly C[]): C[] {
  return clusters.filter(({ namespace, name }, index) =>
    clusters.slice(0, index).some((before) => before.namespace === namespace && before.name === name),
  );
}
