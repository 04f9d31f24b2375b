// One resource, brought to what it should be. What others have added to a list of ours, or to a spec that is ours alone, no apply
// takes away, and it may make what is applied invalid: then all is written.
import { MillraceError } from '../core/contract/errors.ts';
import type { KubernetesClient, Resource } from '../core/contract/kubernetes-client.ts';
import { fieldManager } from './names.ts';
import { isAsWanted, withoutAdditions } from './plan/drift.ts';

/** `found`: what is there, and ours. Where nothing was, something may have come, which is not taken over: MILLRACE_KUBERNETES_CONFLICT. */
export async function applyResource(
  client: Pick<KubernetesClient, 'apply' | 'replace'>,
  found: Resource | undefined,
  wanted: Resource,
): Promise<Resource> {
  if (found === undefined) return client.apply(wanted, { fieldManager });
  let made: Resource;
  try {
    made = await client.apply(wanted, { fieldManager, force: true });
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_INVALID')) throw error;
    return client.replace(withoutAdditions(found, wanted));
  }
  return isAsWanted(made, wanted) ? made : client.replace(withoutAdditions(made, wanted));
}
