// A KafkaCluster with `strimzi` or `binding` is resolved to one with `bootstrapServers`, `tls` and `authentication`, so that no other
// module needs to know Strimzi or bindings. If it cannot be resolved, the resource carries what is missing.
import type { Resource } from '../contract/kubernetes-client.ts';
import { valueAt } from '../contract/path.ts';
import { invalid, type Mistake } from '../contract/manifest-problem.ts';

export type Resolution =
  | { readonly kind: 'found'; readonly spec: Readonly<Record<string, unknown>> }
  /** `mistake.at` is the field of the KafkaCluster that names something that does not exist, or is not ready. */
  | { readonly kind: 'missing'; readonly mistake: Mistake };

/** What a KafkaCluster says beside where its brokers are. */
const ownFields = ['allowedNamespaces', 'groupProtocol'] as const;

/** The KafkaCluster to use instead of `cluster`. Its resourceVersion changes whenever the resolution does. */
export function withResolution(cluster: Resource, resolution: Resolution): Resource {
  const resourceVersion = `${cluster.metadata.resourceVersion ?? ''} ${JSON.stringify(resolution)}`;
  const metadata = { ...cluster.metadata, resourceVersion };
  const kept = ownFields.flatMap((name) => {
    const value = valueAt(cluster.spec, [name]);
    return value === undefined ? [] : [[name, value] as const];
  });
  if (resolution.kind === 'found')
    return { ...cluster, metadata, spec: { ...resolution.spec, ...Object.fromEntries(kept) } };
  return { ...cluster, metadata, missing: resolution.mistake };
}

/** Why a KafkaCluster without mistakes is not resolved. */
export function missingIn(cluster: Resource): Mistake {
  return (cluster.missing as Mistake | undefined) ?? onlyInKubernetes(cluster);
}

/** The mistake to report where only manifests are read, and no API server. */
export function onlyInKubernetes(cluster: unknown): Mistake {
  const way = valueAt(cluster, ['spec', 'binding']) === undefined ? 'strimzi' : 'binding';
  const message = 'works in Kubernetes only, where its resources can be read';
  const remedy = 'Write bootstrapServers, tls and authentication instead.';
  return invalid(['spec', way], 'key', message, remedy);
}

/** A text that changes with each edit and each resolution of a KafkaCluster, and not with its status. */
export function meaningOf({ metadata: { namespace, name }, spec, missing }: Resource): string {
  return JSON.stringify([namespace, name, spec, missing]);
}
