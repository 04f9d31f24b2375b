// What a KafkaCluster leads to that only names who runs its brokers: the same in words of its own (`bootstrapServers`, `tls`,
// `authentication`), so that nobody else has to know who that is; or what is lacking.
import type { Resource } from '../contract/kubernetes-client.ts';
import { valueAt } from '../contract/path.ts';
import { invalid, type Mistake } from '../contract/problem.ts';

export type Resolution =
  | { readonly kind: 'found'; readonly spec: Readonly<Record<string, unknown>> }
  /** Its `at` is where the KafkaCluster names what is not there, or is not ready. */
  | { readonly kind: 'lacking'; readonly mistake: Mistake };

/** The KafkaCluster as it is to be read. It has another version wherever it is resolved otherwise. */
export function withResolution(cluster: Resource, resolution: Resolution): Resource {
  const resourceVersion = `${cluster.metadata.resourceVersion ?? ''} ${JSON.stringify(resolution)}`;
  const metadata = { ...cluster.metadata, resourceVersion };
  const allowedNamespaces = valueAt(cluster.spec, ['allowedNamespaces']);
  const shared = allowedNamespaces === undefined ? {} : { allowedNamespaces };
  if (resolution.kind === 'found') return { ...cluster, metadata, spec: { ...resolution.spec, ...shared } };
  return { ...cluster, metadata, lacking: resolution.mistake };
}

/** What keeps a KafkaCluster without mistakes from being read as it is. */
export function lackingIn(cluster: Resource): Mistake {
  return (cluster.lacking as Mistake | undefined) ?? onlyInKubernetes(cluster);
}

/** For whoever sees no more than manifests. */
export function onlyInKubernetes(cluster: unknown): Mistake {
  const way = valueAt(cluster, ['spec', 'binding']) === undefined ? 'strimzi' : 'binding';
  const message = 'is looked up in Kubernetes, and not from here';
  const remedy = 'Write bootstrapServers, tls and authentication instead.';
  return invalid(['spec', way], 'key', message, remedy);
}

/** Another text for every edit, and wherever it is resolved otherwise; the same for a status that changes. */
export function meaningOf({ metadata: { namespace, name }, spec, lacking }: Resource): string {
  return JSON.stringify([namespace, name, spec, lacking]);
}
