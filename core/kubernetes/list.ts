// Lists all resources of a kind page by page, with the resourceVersion from which a watch can continue.
import type { Resource, ResourceKind } from '../contract/kubernetes-client.ts';
import type { Requests } from './api-requests.ts';

export interface Listed {
  readonly items: Resource[];
  /** The version of the cluster's state that the list has. */
  readonly resourceVersion: string;
}

export interface Selectors {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export type ListPlace = ResourceKind & { readonly namespace: string | undefined };

interface Page {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly unknown[];
}

const pageSize = 500;

/** All pages show one state. Rejects (410) if a page is requested too late; then the whole list must be requested again. */
export async function listAll(
  requests: Requests,
  place: ListPlace,
  { labelSelector, fieldSelector }: Selectors,
): Promise<Listed> {
  const items: Resource[] = [];
  let next: string | undefined;
  let page: Page;
  do {
    const query = { labelSelector, fieldSelector, limit: String(pageSize), continue: next };
    page = (await requests.send({ verb: 'list', place, query })) as Page;
    for (const item of page.items ?? []) items.push(withoutManagedFields(item, place));
    next = page.metadata?.continue || undefined;
  } while (next !== undefined);
  return { items, resourceVersion: page.metadata?.resourceVersion ?? '' };
}

/** The resource without `managedFields`, which are often longer than the rest. Items of lists lack apiVersion and kind: `kind` adds them. */
export function withoutManagedFields(value: unknown, kind?: ResourceKind): Resource {
  const resource = value as Resource;
  const { managedFields: _, ...metadata } = resource.metadata as Resource['metadata'] & {
    managedFields?: unknown;
  };
  if (kind === undefined) return { ...resource, metadata };
  return { ...resource, apiVersion: kind.apiVersion, kind: kind.kind, metadata };
}
