// Reads, writes and watches resources over HTTP: implements KubernetesClient of core/contract/kubernetes-client.ts.
import { MillraceError } from '../contract/errors.ts';
import type {
  KubernetesClient,
  ListOptions,
  RemoveOptions,
  Resource,
  ResourceKind,
} from '../contract/kubernetes-client.ts';
import type { Connection } from './api-connection.ts';
import { Discovery } from './discovery.ts';
import { listAll, withoutManagedFields } from './list.ts';
import { Requests, type Call } from './api-requests.ts';
import { readScale } from './scale.ts';
import { watchAll, type WatchSettings } from './watch.ts';

export interface ClientOptions extends WatchSettings {
  readonly connection: Connection;
}

/** The caller closes the connection, after all watches have ended. */
export function createKubernetesClient({ connection, ...settings }: ClientOptions): KubernetesClient {
  const requests = new Requests(connection);
  const discovery = new Discovery(requests);
  const get = (place: Place): Promise<Resource | undefined> => orUndefined(send(requests, 'get', place));

  return {
    namespace: connection.namespace,
    watch: (kind, options, onChange) => watchAll(requests, kind, options, onChange, settings),
    get: (kind, namespace, name) => get({ ...kind, namespace, name }),
    readScale: (kind, namespace, name) => readScale({ discovery, get }, kind, namespace, name),
    list: (kind, options = {}) => listNamespaces(requests, kind, options),

    apply: async (resource, { fieldManager, force = false, subresource }) => {
      const place = await placeOf(discovery, resource);
      return withoutManagedFields(
        await requests.send({
          verb: 'patch',
          place: { ...place, name: resource.metadata.name, subresource },
          query: { fieldManager, force: String(force) },
          body: resource,
          contentType: 'application/apply-patch+yaml',
        }),
      );
    },

    create: async (resource) => {
      const place = await placeOf(discovery, resource);
      return withoutManagedFields(await requests.send({ verb: 'create', place, body: resource }));
    },

    replace: async (resource) => {
      const place = { ...(await placeOf(discovery, resource)), name: resource.metadata.name };
      return withoutManagedFields(await requests.send({ verb: 'update', place, body: resource }));
    },

    patch: async (kind, namespace, name, merge) =>
      withoutManagedFields(
        await requests.send({
          verb: 'patch',
          place: { ...kind, namespace, name },
          body: merge,
          contentType: 'application/merge-patch+json',
        }),
      ),

    remove: async (kind, namespace, name, options = {}) => {
      await orUndefined(
        requests.send({ verb: 'delete', place: { ...kind, namespace, name }, body: deleteOptions(options) }),
      );
    },

    hasKind: (apiVersion, kind) => discovery.has(apiVersion, kind),
  };
}

type Place = Call['place'];

async function send(requests: Requests, verb: Call['verb'], place: Place): Promise<Resource> {
  return withoutManagedFields(await requests.send({ verb, place }));
}

async function listNamespaces(
  requests: Requests,
  kind: ResourceKind,
  { namespaces, ...selectors }: ListOptions,
): Promise<Resource[]> {
  const each = namespaces ?? [undefined];
  const lists = await Promise.all(
    each.map((namespace) => listAll(requests, { ...kind, namespace }, selectors)),
  );
  return lists.flatMap(({ items }) => items);
}

async function placeOf(discovery: Discovery, { apiVersion, kind, metadata }: Resource): Promise<Place> {
  return { apiVersion, plural: await discovery.pluralOf(apiVersion, kind), namespace: metadata.namespace };
}

/** https://kubernetes.io/docs/reference/kubernetes-api/definitions/delete-options-v1-meta/ */
function deleteOptions({ uid, propagation = 'Background' }: RemoveOptions): object {
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy: propagation,
    ...(uid === undefined ? {} : { preconditions: { uid } }),
  };
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_MISSING') return undefined;
    throw error;
  }
}
