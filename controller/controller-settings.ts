// Where the controller runs, and what it looks after.
import {
  functionUris,
  parseFunctionUris,
  parseTenantAddresses,
  tenantAddresses,
  type FunctionUris,
  type TenantAddresses,
} from '../core/network/tenant-address.ts';

export interface KubernetesConfig {
  /** Where triggers are looked after; absent: everywhere. */
  readonly namespaces: readonly string[] | undefined;
  /** What becomes of `function.uri`. */
  readonly functionUris: FunctionUris;
  /** What becomes of other addresses that tenants name. */
  readonly tenantAddresses: TenantAddresses;
  /** Name or address of the API server, as pods are told it. */
  readonly apiServerHost: string | undefined;
  /** Where KEDA reaches the scaler, `host:port`; absent: nothing is scaled. */
  readonly scalerService: string | undefined;
  /** A file with the certificates that KEDA is to trust the scaler by; absent: plain text. */
  readonly scalerCaPath: string | undefined;
  /** A ClusterTriggerAuthentication by which KEDA shows the scaler who it is; absent: KEDA is given the CA alone, beside each trigger. */
  readonly clusterAuthentication: string | undefined;
  /** Who this process is, among its like. */
  readonly podName: string;
  /** Where the Lease is; absent: the namespace of the client. */
  readonly podNamespace: string | undefined;
  readonly podUid: string | undefined;
  /** Of the Lease: one for each installation. */
  readonly leaseName: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Whether triggers come from a cluster: MILLRACE_KUBERNETES. */
export function isInKubernetes(env: Env, mistakes: string[]): boolean {
  const text = env.MILLRACE_KUBERNETES || 'false';
  if (text !== 'true' && text !== 'false') mistakes.push(`MILLRACE_KUBERNETES is '${text}': true or false`);
  return text === 'true';
}

/**
 * Settings from `env`: WATCH_NAMESPACES (comma-separated), MILLRACE_FUNCTION_URIS (refused), MILLRACE_TENANT_ADDRESSES (guarded),
 * KUBERNETES_SERVICE_HOST, SCALER_SERVICE, SCALER_TLS_CA, SCALER_CLUSTER_AUTHENTICATION, POD_NAME, POD_NAMESPACE, POD_UID. The Lease has
 * the name of the scaler's Service.
 */
export function parseKubernetesConfig(env: Env, mistakes: string[]): KubernetesConfig {
  const namespaces = (env.WATCH_NAMESPACES ?? '').split(',').flatMap((name) => name.trim() || []);
  const wrong = namespaces.find((name) => !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name));
  if (wrong !== undefined)
    mistakes.push(`WATCH_NAMESPACES has '${wrong}': names of namespaces, comma-separated`);
  const uris = parseFunctionUris(env.MILLRACE_FUNCTION_URIS || 'refused');
  if (uris === undefined)
    mistakes.push(
      `MILLRACE_FUNCTION_URIS is '${env.MILLRACE_FUNCTION_URIS}': one of ${functionUris.join(', ')}`,
    );
  const addresses = parseTenantAddresses(env.MILLRACE_TENANT_ADDRESSES || 'guarded');
  if (addresses === undefined)
    mistakes.push(
      `MILLRACE_TENANT_ADDRESSES is '${env.MILLRACE_TENANT_ADDRESSES}': one of ${tenantAddresses.join(', ')}`,
    );
  const scalerService = env.SCALER_SERVICE || undefined;
  if (scalerService !== undefined && !/^[^\s:/]+:\d+$/.test(scalerService))
    mistakes.push(`SCALER_SERVICE is '${scalerService}': host:port`);
  const { SCALER_TLS_CA: scalerCaPath, SCALER_CLUSTER_AUTHENTICATION: clusterAuthentication } = env;
  if (clusterAuthentication && !scalerCaPath)
    mistakes.push('SCALER_CLUSTER_AUTHENTICATION needs SCALER_TLS_CA');
  return Object.freeze({
    namespaces: namespaces.length === 0 ? undefined : Object.freeze(namespaces),
    functionUris: uris ?? 'refused',
    tenantAddresses: addresses ?? 'guarded',
    apiServerHost: env.KUBERNETES_SERVICE_HOST || undefined,
    scalerService,
    scalerCaPath: scalerCaPath || undefined,
    clusterAuthentication: clusterAuthentication || undefined,
    podName: env.POD_NAME || `millrace-${process.pid}`,
    podNamespace: env.POD_NAMESPACE || undefined,
    podUid: env.POD_UID || undefined,
    leaseName: scalerService?.split(/[.:]/, 1)[0] ?? 'millrace-scaler',
  });
}
