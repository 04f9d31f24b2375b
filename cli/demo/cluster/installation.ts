// What the demo needs to know about the Millrace that is installed in a cluster, read from the Deployment of its gateway.
import { MillraceError } from '../../../core/contract/errors.ts';
import { deploymentKind, scaledObjectKind } from '../../../core/resources/kinds.ts';
import type { KubernetesClient, Resource } from '../../../core/contract/kubernetes-client.ts';

export interface EnvVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string } };
}

/** What the demo's pods have in common with the gateway's. */
export interface Installation {
  /** Namespace and name of the gateway's Deployment. */
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy: string | undefined;
  readonly imagePullSecrets: readonly { readonly name: string }[];
  /** The settings of the connection to Kafka. */
  readonly env: readonly EnvVariable[];
  /** Where pods may be scheduled: `nodeSelector`, `tolerations`. */
  readonly placement: Readonly<Record<string, unknown>>;
}

interface PodSpec {
  readonly containers: readonly {
    readonly name: string;
    readonly image: string;
    readonly imagePullPolicy?: string;
    readonly env?: readonly EnvVariable[];
  }[];
  readonly imagePullSecrets?: Installation['imagePullSecrets'];
  readonly nodeSelector?: unknown;
  readonly tolerations?: unknown;
}

/** The labels that the chart sets. */
const gatewayLabels = 'app.kubernetes.io/name=millrace,app.kubernetes.io/component=gateway';

const installMillrace =
  'helm install millrace charts/millrace --namespace millrace --create-namespace --set image.repository=IMAGE --set kafka.bootstrapServers=HOST:PORT';
const installKeda =
  'helm install keda keda --repo https://kedacore.github.io/charts --namespace keda --create-namespace';

/**
 * The installation that serves `namespace`, or the first by name if there are several. Rejects with MILLRACE_TOOL_MISSING and the
 * command that installs it if Millrace or KEDA is missing.
 */
export async function findInstallation(client: KubernetesClient, namespace: string): Promise<Installation> {
  if (!(await client.hasKind(scaledObjectKind.apiVersion, scaledObjectKind.kind)))
    throw new MillraceError('MILLRACE_TOOL_MISSING', `KEDA is not installed in this cluster: ${installKeda}`);
  const gateways = await client.list(deploymentKind, { labelSelector: gatewayLabels });
  if (gateways.length === 0) {
    const message = `Millrace is not installed in this cluster: ${installMillrace}`;
    throw new MillraceError('MILLRACE_TOOL_MISSING', message);
  }
  const [first] = gateways.filter((gateway) => serves(gateway, namespace)).toSorted(byName);
  if (first !== undefined) return readInstallation(first);
  const names = gateways.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(', ');
  throw new MillraceError(
    'MILLRACE_CONFIG_INVALID',
    `${names} does not serve the namespace ${namespace}: add it to watchNamespaces in the chart's values`,
  );
}

export function readInstallation(gateway: Resource): Installation {
  const { containers, imagePullSecrets = [], nodeSelector, tolerations } = podSpecOf(gateway);
  const container = gatewayIn(containers);
  return {
    namespace: gateway.metadata.namespace ?? '',
    name: gateway.metadata.name,
    image: container?.image ?? '',
    imagePullPolicy: container?.imagePullPolicy,
    imagePullSecrets,
    env: container?.env?.filter(({ name }) => name.startsWith('KAFKA_')) ?? [],
    placement: {
      ...(nodeSelector === undefined ? {} : { nodeSelector }),
      ...(tolerations === undefined ? {} : { tolerations }),
    },
  };
}

/** A gateway without a list of namespaces serves all. */
function serves(gateway: Resource, namespace: string): boolean {
  const { env = [] } = gatewayIn(podSpecOf(gateway).containers) ?? {};
  const watched = env.find(({ name }) => name === 'WATCH_NAMESPACES')?.value ?? '';
  return watched === '' || watched.split(',').includes(namespace);
}

/** Found by name, because injected sidecars may come first. */
function gatewayIn(containers: PodSpec['containers']): PodSpec['containers'][number] | undefined {
  return containers.find(({ name }) => name === 'gateway');
}

function podSpecOf({ spec }: Resource): PodSpec {
  return (spec as { template: { spec: PodSpec } }).template.spec;
}

function byName(one: Resource, other: Resource): number {
  const name = ({ metadata }: Resource): string => `${metadata.namespace}/${metadata.name}`;
  return name(one) < name(other) ? -1 : 1;
}

/** The Secrets that pods with its image need in their namespace. */
export function secretsOf({ imagePullSecrets, env }: Installation): string[] {
  const brokers = env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.name ?? []);
  return [...new Set([...imagePullSecrets.map(({ name }) => name), ...brokers])];
}
