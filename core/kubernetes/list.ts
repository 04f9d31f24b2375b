// All resources of a kind, page by page, and the version of the whole from which it can be watched.
import type { Resource, ResourceKind } from '../contract/kubernetes-client.ts';
import type { Requests } from './api-requests.ts';

export interface Listed {
  readonly items: Resource[];
  /** The state of the cluster that the list shows. */
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

/** A list of many pages is one state all the same; a page that comes too late rejects (410), and all is to be asked again. */
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

/** The resource without the book of who owns its fields, which is often longer than itself; in lists the kind goes without saying. */
export function withoutManagedFields(value: unknown, kind?: ResourceKind): Resource {
  const resource = value as Resource;
  const { managedFields: _, ...metadata } = resource.metadata as Resource['metadata'] & {
    managedFields?: unknown;
  };
  if (kind === undefined) return { ...resource, metadata };
  return { ...resource, apiVersion: kind.apiVersion, kind: kind.kind, metadata };
}
