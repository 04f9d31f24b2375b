// Chooses the Kafka cluster of a trigger: the KafkaCluster that it names, in its namespace or granted to it, or the cluster of the
// installation.
import { clusterFieldTable } from './schema/fields.ts';
import { createSchemaValidator } from './validation/validate-by-schema.ts';
import type { Authentication, KafkaAccess } from '../contract/kafka-access.ts';
import { kafkaClusterRules } from './validation/kafka-cluster-rules.ts';
import {
  kafkaClusterSchema,
  type FilledAuthentication,
  type FilledKafkaCluster,
} from './schema/kafka-cluster-schema.ts';
import { nearest } from '../contract/nearest-name.ts';
import { valueAt } from '../contract/path.ts';
import { invalid, show, type Mistake } from '../contract/manifest-problem.ts';
import { parseBrokers } from '../contract/kafka-access.ts';
import { defaultCluster } from './schema/source-schema.ts';
import type { FilledTrigger } from './schema/trigger-schema.ts';
import { triggerWording } from './validation/wording.ts';

/** Of names and values in a spec, also in one that was resolved from Strimzi or a binding. */
export const maxClusterBytes = 20 * 1024;

const validate = createSchemaValidator({
  schema: kafkaClusterSchema,
  table: clusterFieldTable,
  rules: kafkaClusterRules,
  maxSpecBytes: maxClusterBytes,
});

export type KafkaClusterValidation =
  | { readonly kind: 'right'; readonly cluster: FilledKafkaCluster }
  /** `filled` is the KafkaCluster with defaults, as far as its shape allows. */
  | { readonly kind: 'wrong'; readonly mistakes: readonly Mistake[]; readonly filled: unknown };

/** Does not change `declared`, which must hold no cycles. */
export function validateKafkaCluster(declared: unknown): KafkaClusterValidation {
  const { filled, mistakes } = validate(declared, triggerWording);
  if (mistakes.length > 0) return { kind: 'wrong', mistakes, filled };
  return { kind: 'right', cluster: filled as FilledKafkaCluster };
}

/** A KafkaCluster that exists, valid or not. */
export interface KnownCluster {
  readonly namespace: unknown;
  readonly name: unknown;
  /** Other namespaces whose triggers may use it, `*` for all. Values that are no namespaces grant nothing. */
  readonly allowedNamespaces: readonly unknown[];
  /** Undefined if the KafkaCluster has mistakes, or is not resolved. */
  readonly access: KafkaAccess | undefined;
}

export function knownCluster(validation: KafkaClusterValidation): KnownCluster {
  const filled = validation.kind === 'right' ? validation.cluster : validation.filled;
  return {
    namespace: valueAt(filled, ['metadata', 'namespace']),
    name: valueAt(filled, ['metadata', 'name']),
    allowedNamespaces: allowedIn(filled),
    access: validation.kind === 'right' ? accessOf(validation.cluster) : undefined,
  };
}

/** The `allowedNamespaces` of a KafkaCluster, which may have mistakes. */
function allowedIn(cluster: unknown): readonly unknown[] {
  const allowed = valueAt(cluster, ['spec', 'allowedNamespaces']);
  return Array.isArray(allowed) ? allowed : [];
}

function accessOf({ metadata: { namespace }, spec }: FilledKafkaCluster): KafkaAccess | undefined {
  const brokers = parseBrokers(spec.bootstrapServers ?? '');
  if (brokers === undefined) return undefined;
  const { tls, authentication, groupProtocol } = spec;
  return {
    brokers,
    namespace,
    ...(tls === undefined ? {} : { tls }),
    ...(groupProtocol === undefined ? {} : { groupProtocol }),
    ...(authentication === undefined ? {} : { authentication: onlyOfItsType(authentication) }),
  };
}

/** The type allows this: kafkaClusterRules has checked that the fields are those of `type`. */
function onlyOfItsType(authentication: FilledAuthentication): Authentication {
  return authentication as Authentication;
}

export interface ClusterPlace {
  readonly namespace: string;
  readonly name: string;
}

/** Namespace and name of the KafkaCluster that a trigger of `namespace` names as `cluster`: `main`, or `platform/main`. */
export function placeOf(cluster: string, namespace: string): ClusterPlace {
  const [first, second] = cluster.split('/') as [string, string?];
  return second === undefined ? { namespace, name: first } : { namespace: first, name: second };
}

/**
 * Whether a trigger of `namespace` may continue to read from the cluster that it names. A KafkaCluster of another namespace must exist, and
 * grant it, for as long as the trigger uses it. `found` is that KafkaCluster. A cluster of its own namespace, or of the installation, is never taken away.
 */
export function isGranted(cluster: string, namespace: string, found: KnownCluster | undefined): boolean {
  const place = placeOf(cluster, namespace);
  return (
    place.namespace === namespace || (found !== undefined && isAt(place, found) && mayUse(namespace, found))
  );
}

function isAt({ namespace, name }: ClusterPlace, cluster: KnownCluster): boolean {
  return cluster.namespace === namespace && cluster.name === name;
}

function mayUse(namespace: string, cluster: KnownCluster): boolean {
  const { allowedNamespaces } = cluster;
  return cluster.namespace === namespace || allowedNamespaces.some((one) => one === namespace || one === '*');
}

export type ClusterChoice =
  /** `access` is undefined for the cluster of the installation. */
  | { readonly kind: 'found'; readonly access: KafkaAccess | undefined }
  /** The KafkaCluster exists, but has mistakes or is not resolved. */
  | { readonly kind: 'wrong' }
  /** `unknown`: not in the namespace. `ungranted`: of another namespace that does not grant it, whether it exists or not. */
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

/** The message must not reveal whether a KafkaCluster that the namespace may not use exists. */
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
    `Create a KafkaCluster ${wanted} in that namespace, or leave cluster out to use the cluster of the installation.`,
  ungranted: (_wanted: string, namespace: string): string =>
    `Ask the owner of the KafkaCluster to add ${namespace} to its spec.allowedNamespaces. It must be in a namespace that this installation watches.`,
};

/** The KafkaClusters that have the name and namespace of an earlier one in the list. */
export function findDuplicateClusters<C extends KnownCluster>(clusters: readonly C[]): C[] {
  return clusters.filter(({ namespace, name }, index) =>
    clusters.slice(0, index).some((before) => before.namespace === namespace && before.name === name),
  );
}
