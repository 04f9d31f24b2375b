// The namespace that the demo creates, and everything in it. It carries the demo's label, and the demo touches no other namespace.
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../../core/contract/errors.ts';
import { namespaceKind, secretKind } from '../../../core/resources/kinds.ts';
import type { KubernetesClient, Resource } from '../../../core/contract/kubernetes-client.ts';
import { secretsOf, type Installation } from './installation.ts';
import { withRetries } from './with-retries.ts';

const demoLabel = 'millrace.dev/demo';
const removalLimitMs = 180_000;

/**
 * Creates the namespace, after removing one that an earlier run has left.
 * @throws MillraceError `MILLRACE_CONFIG_INVALID` if the namespace exists and was not created by the demo
 */
export async function createDemoNamespace(
  client: KubernetesClient,
  name: string,
  { say, signal }: { readonly say: (line: string) => void; readonly signal: AbortSignal },
): Promise<Resource> {
  const before = await client.get(namespaceKind, '', name);
  if (before !== undefined) {
    if (before.metadata.labels?.[demoLabel] !== 'true') {
      const message = `the namespace ${name} exists, and was not created by the demo: choose another with --namespace`;
      throw new MillraceError('MILLRACE_CONFIG_INVALID', message);
    }
    say(`removing the namespace ${name}, which an earlier run has left behind`);
    await removeDemoNamespace(client, before, signal);
  }
  const labels = { [demoLabel]: 'true', 'pod-security.kubernetes.io/enforce': 'restricted' };
  const { apiVersion, kind } = namespaceKind;
  return client.create({ apiVersion, kind, metadata: { name, labels } });
}

/** Resolves when the namespace and everything in it are gone. */
export async function removeDemoNamespace(
  client: KubernetesClient,
  { metadata: { name, uid = '' } }: Resource,
  signal?: AbortSignal,
): Promise<void> {
  const deadlineMs = performance.now() + removalLimitMs;
  await withRetries(() => client.remove(namespaceKind, '', name, { uid }));
  for (;;) {
    const left = await withRetries(() => client.get(namespaceKind, '', name));
    if (left?.metadata.uid !== uid) return;
    if (performance.now() > deadlineMs) throw new MillraceError('MILLRACE_DEMO_FAILED', stuck(left));
    await sleep(300, undefined, { signal });
  }
}

interface NamespaceStatus {
  readonly conditions?: readonly { readonly status: string; readonly message?: string }[];
}

function stuck({ metadata, status }: Resource): string {
  const { conditions = [] } = (status ?? {}) as NamespaceStatus;
  const reasons = conditions.filter((one) => one.status === 'True').map(({ message }) => message ?? '');
  return `the namespace ${metadata.name} is still being deleted: ${reasons.join('; ') || 'its status gives no reason'}`;
}

/** Copies the Secrets that the demo's pods need: those for pulling the gateway's image, and those that name its brokers. */
export async function copySecrets(
  client: KubernetesClient,
  installation: Installation,
  namespace: string,
): Promise<void> {
  for (const name of secretsOf(installation)) {
    const secret = await client.get(secretKind, installation.namespace, name);
    // A missing pull secret does not matter if the image can be pulled without one.
    if (secret === undefined) continue;
    const { type, data } = secret;
    const { apiVersion, kind } = secretKind;
    await client.create({ apiVersion, kind, metadata: { name, namespace }, type, data });
  }
}
