// Which Kafka a trigger means: the KafkaCluster of its namespace that it names, or the installation’s own.
import { clusterFieldTable } from './fields.ts';
import { createJudge } from './judge-by-schema.ts';
import type { Authentication, KafkaAccess } from './kafka-access.ts';
import { kafkaClusterRules } from './kafka-cluster-rules.ts';
import {
  kafkaClusterSchema,
  type FilledAuthentication,
  type FilledKafkaCluster,
} from './kafka-cluster-schema.ts';
import { nearest } from './nearest.ts';
import { valueAt } from './path.ts';
import { invalid, show, type Mistake } from './problem.ts';
import { parseBrokers } from './settings.ts';
import { defaultCluster } from './source-schema.ts';
import type { FilledTrigger } from './trigger.ts';
import { triggerWording } from './wording.ts';

const judge = createJudge(kafkaClusterSchema, clusterFieldTable, kafkaClusterRules);

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
  /** Undefined where it is wrong, or is not resolved. */
  readonly access: KafkaAccess | undefined;
}

export function knownCluster(verdict: KafkaClusterVerdict): KnownCluster {
  const filled = verdict.kind === 'right' ? verdict.cluster : verdict.filled;
  return {
    namespace: valueAt(filled, ['metadata', 'namespace']),
    name: valueAt(filled, ['metadata', 'name']),
    access: verdict.kind === 'right' ? accessOf(verdict.cluster) : undefined,
  };
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

export type ClusterChoice =
  /** `access` is undefined for the installation’s own. */
  | { readonly kind: 'found'; readonly access: KafkaAccess | undefined }
  /** The KafkaCluster is there, and wrong, or what it names is not found. */
  | { readonly kind: 'wrong' }
  | { readonly kind: 'unknown'; readonly mistake: Mistake };

export function chooseCluster(trigger: FilledTrigger, clusters: readonly KnownCluster[]): ClusterChoice {
  const wanted = trigger.spec.source.cluster;
  const near = clusters.filter(({ namespace }) => namespace === trigger.metadata.namespace);
  const cluster = near.find(({ name }) => name === wanted);
  if (cluster?.access !== undefined) return { kind: 'found', access: cluster.access };
  if (cluster !== undefined) return { kind: 'wrong' };
  if (wanted === defaultCluster) return { kind: 'found', access: undefined };
  return { kind: 'unknown', mistake: unknownCluster(trigger, near) };
}

function unknownCluster({ metadata, spec }: FilledTrigger, near: readonly KnownCluster[]): Mistake {
  const wanted = spec.source.cluster;
  const names = near.map(({ name }) => String(name));
  const meant = nearest(wanted, [...names, defaultCluster]);
  const remedy =
    meant === undefined
      ? `Write a KafkaCluster ${wanted} in that namespace, or leave it out for the cluster of the installation.`
      : `Did you mean ${triggerWording.example(['spec', 'source', 'cluster'], meant)}?`;
  const message = `names no KafkaCluster of namespace ${metadata.namespace}, is ${show(wanted)}`;
  return invalid(['spec', 'source', 'cluster'], 'value', message, remedy);
}

/** The KafkaClusters whose name another one of their namespace, which comes first, has. */
export function findDoubleClusters<C extends KnownCluster>(clusters: readonly C[]): C[] {
  return clusters.filter(({ namespace, name }, index) =>
    clusters.slice(0, index).some((before) => before.namespace === namespace && before.name === name),
  );
}
