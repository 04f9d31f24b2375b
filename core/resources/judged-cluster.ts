// KafkaClusters, each judged once per edit: what triggers may read from it, or what is wrong with it.
import type { Resource } from '../contract/kubernetes-client.ts';
import type { Mistake } from '../contract/manifest-problem.ts';
import { missingIn } from './cluster-resolution.ts';
import { knownCluster, validateKafkaCluster, type ClusterPlace, type KnownCluster } from './kafka-cluster.ts';

export interface JudgedCluster extends KnownCluster {
  /** As it was written, or resolved: what `status.accepted` of a trigger keeps of it. */
  readonly spec: object;
  /** What is wrong with it, or what it lacks; empty if it can be used. */
  readonly mistakes: readonly Mistake[];
  readonly reason: 'InvalidCluster' | 'ClusterUnresolved';
}

export interface ClusterLookup {
  /** Undefined if there is no KafkaCluster of that name. */
  find(place: ClusterPlace): JudgedCluster | undefined;
  all(): readonly JudgedCluster[];
}

/** `resource` is resolved (cluster-resolution.ts). */
export function judgeCluster(resource: Resource): JudgedCluster {
  const { apiVersion, kind, metadata, spec } = resource;
  const { name, namespace } = metadata;
  const validation = validateKafkaCluster({ apiVersion, kind, metadata: { name, namespace }, spec });
  const known = { ...knownCluster(validation), spec: spec ?? {} };
  if (validation.kind === 'wrong')
    return { ...known, reason: 'InvalidCluster', mistakes: validation.mistakes };
  const mistakes = known.access === undefined ? [missingIn(resource)] : [];
  return { ...known, reason: 'ClusterUnresolved', mistakes };
}
