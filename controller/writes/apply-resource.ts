// Server-side apply of one resource. An apply removes neither items that others added to a list nor fields that they added to a spec, and
// these may even make the resource invalid: then the resource is replaced as a whole.
import { MillraceError } from '../../core/contract/errors.ts';
import type { KubernetesClient, Resource } from '../../core/contract/kubernetes-client.ts';
import { fieldManager } from '../ownership.ts';
import { isUpToDate, withoutDrift } from '../plan/drift.ts';

/**
 * `found` is the resource as it was read, and must be the controller's own. If it is undefined and somebody has created one meanwhile, that
 * one is not taken over: MILLRACE_KUBERNETES_CONFLICT.
 */
export async function applyResource(
  client: Pick<KubernetesClient, 'apply' | 'replace'>,
  found: Resource | undefined,
  desired: Resource,
): Promise<Resource> {
  if (found === undefined) return client.apply(desired, { fieldManager });
  let applied: Resource;
  try {
    applied = await client.apply(desired, { fieldManager, force: true });
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_INVALID')) throw error;
    return client.replace(withoutDrift(found, desired));
  }
  return isUpToDate(applied, desired) ? applied : client.replace(withoutDrift(applied, desired));
}

/**
 * Whether the API server will refuse the same request again. A conflict on a resource that was `found` passes; one on a new resource means
 * that its name is taken.
 */
export function isRefusal(error: unknown, found: Resource | undefined): error is MillraceError {
  if (!(error instanceof MillraceError)) return false;
  if (error.code === 'MILLRACE_KUBERNETES_CONFLICT') return found === undefined;
  return (
    ['MILLRACE_KUBERNETES_INVALID', 'MILLRACE_KUBERNETES_FORBIDDEN'].includes(error.code) ||
    undeclaredFields(error).length > 0
  );
}

/**
 * The fields, such as `.spec.fallback.behavior`, that the CRD of the kind does not have: the installed version of it is older or newer than the
 * one that the controller knows. For a server-side apply, the API server answers this with 500 and these words.
 */
export function undeclaredFields(error: unknown): string[] {
  if (!(error instanceof MillraceError)) return [];
  return [...error.message.matchAll(/(\.\S+): field not declared in schema/g)].map(([, field = '']) => field);
}
