// The finalizers of a Trigger, changed by optimistic concurrency.
import { MillraceError } from '../../core/contract/errors.ts';
import type { KubernetesClient, Resource } from '../../core/contract/kubernetes-client.ts';
import { triggerKind } from '../../core/resources/kinds.ts';

/** Rejects with MILLRACE_KUBERNETES_CONFLICT if the trigger was changed meanwhile. If it was deleted, there is nothing to do. */
export async function patchFinalizers(
  client: Pick<KubernetesClient, 'patch'>,
  { metadata }: Resource,
  change: (all: readonly string[]) => readonly string[],
): Promise<void> {
  const { namespace = '', name, resourceVersion, finalizers = [] } = metadata;
  try {
    await client.patch(triggerKind, namespace, name, {
      metadata: { resourceVersion, finalizers: change(finalizers) },
    });
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_MISSING')) throw error;
  }
}
