// Where a resource stands in the API server: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris

/** `v1` is the core group, which is older than groups. */
export function groupPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

export function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

export interface Place {
  readonly apiVersion: string;
  readonly plural: string;
  /** Absent: of all namespaces. Empty: of a kind that is in none. */
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

/** `triggers.millrace.dev "quakes" in the namespace geo`: what a message calls it. */
export function describePlace({ apiVersion, plural, namespace, name, subresource }: Place): string {
  const group = groupOf(apiVersion);
  const kind = `${plural}${subresource === undefined ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`;
  const what = name === undefined ? kind : `${kind} "${name}"`;
  if (namespace === '') return what;
  return `${what} in ${namespace === undefined ? 'all namespaces' : `the namespace ${namespace}`}`;
}
