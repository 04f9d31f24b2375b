// URL paths of resources in the API server: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris. Pure.

/** `v1` is the core group, which has a path of its own. */
export function groupPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

export function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

export interface Place {
  readonly apiVersion: string;
  readonly plural: string;
  /** Absent: all namespaces. Empty: the kind is not namespaced. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

export function resourcePath({ apiVersion, plural, namespace, name, subresource }: Place): string {
  const parts = [groupPath(apiVersion)];
  if (namespace !== undefined && namespace !== '') parts.push('namespaces', encodeURIComponent(namespace));
  parts.push(plural);
  if (name !== undefined) parts.push(encodeURIComponent(name));
  if (subresource !== undefined) parts.push(subresource);
  return parts.join('/');
}

/** The resource in words for messages: `triggers.millrace.dev "quakes" in the namespace geo`. */
export function describePlace({ apiVersion, plural, namespace, name, subresource }: Place): string {
  const group = groupOf(apiVersion);
  const kind = `${plural}${subresource === undefined ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`;
  const what = name === undefined ? kind : `${kind} "${name}"`;
  if (namespace === '') return what;
  return `${what} in ${namespace === undefined ? 'all namespaces' : `the namespace ${namespace}`}`;
}
