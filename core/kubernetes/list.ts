// Lists all resources of a kind page by page, with the resourceVersion from which a watch can continue.
import { setTimeout as delay } from 'node:timers/promises';
import type { Resource, ResourceKind } from '../contract/kubernetes-client.ts';
import { ApiRefusal } from './api-refusal.ts';
import type { Requests } from './api-requests.ts';
import { backoffMs } from './backoff.ts';

export interface Listed {
  readonly items: Resource[];
  /** The version of the cluster's state that the list has. */
  readonly resourceVersion: string;
}

export interface Selectors {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** As in `WatchOptions`. */
  readonly transform?: ((resource: Resource) => Resource) | undefined;
}

export type ListPlace = ResourceKind & { readonly namespace: string | undefined };

interface Page {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly unknown[];
}

/** What a page has in memory at once: twice its text, and its resources with `managedFields`. */
const pageSize = 250;
/** A list that takes longer than the API server retains its state (5 min by default) hardly succeeds by trying again. */
const maxAttempts = 3;

/** All pages show one state. A list of which a page is requested too late begins again. */
export async function listAll(
  requests: Requests,
  place: ListPlace,
  selectors: Selectors,
  signal?: AbortSignal,
): Promise<Listed> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listPages(requests, place, selectors, signal);
    } catch (error) {
      if (attempt === maxAttempts || !(error instanceof ApiRefusal && error.isExpired)) throw error;
      await delay(backoffMs(attempt), undefined, { signal });
    }
  }
}

async function listPages(
  requests: Requests,
  place: ListPlace,
  { labelSelector, fieldSelector, transform = (resource) => resource }: Selectors,
  signal: AbortSignal | undefined,
): Promise<Listed> {
  const items: Resource[] = [];
  let next: string | undefined;
  let page: Page;
  do {
    const query = { labelSelector, fieldSelector, limit: String(pageSize), continue: next };
    page = (await requests.send({ verb: 'list', place, query }, signal)) as Page;
    for (const item of page.items ?? []) items.push(transform(withoutManagedFields(item, place)));
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
