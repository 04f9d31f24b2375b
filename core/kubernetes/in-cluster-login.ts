// The login of a pod: where Kubernetes says the API server is, with the token and the CA of the pod's ServiceAccount. The kubelet renews
// both files, so they are read again every few seconds. https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
import { access, readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { MillraceError } from '../contract/errors.ts';
import { createCachedFile } from '../credentials/cached-file.ts';
import type { Login } from './login.ts';

export interface InClusterSettings {
  /** KUBERNETES_SERVICE_HOST: a name or an address, IPv6 without brackets. */
  readonly apiServerHost?: string | undefined;
  /** KUBERNETES_SERVICE_PORT; 443 when absent. */
  readonly apiServerPort?: number | undefined;
  /** The folder in which the kubelet keeps `token`, `ca.crt` and `namespace`. */
  readonly serviceAccountPath?: string | undefined;
  /** Age in ms from which token and CA are read again; 10,000 when absent. */
  readonly serviceAccountCheckMs?: number | undefined;
}

const usualPath = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Undefined where there is no ServiceAccount: this is not a pod, or its token is not mounted. */
export async function openInClusterLogin(settings: InClusterSettings): Promise<Login | undefined> {
  const { apiServerHost: host, apiServerPort: port = 443 } = settings;
  const { serviceAccountPath: folder = usualPath, serviceAccountCheckMs: checkMs } = settings;
  const tokenPath = join(folder, 'token');
  const isPod = await access(tokenPath).then(
    () => true,
    () => false,
  );
  if (!isPod) return undefined;
  if (host === undefined)
    throw new MillraceError(
      'MILLRACE_CONFIG_INVALID',
      `the pod has a ServiceAccount (${tokenPath}), but KUBERNETES_SERVICE_HOST does not say where the API server is`,
    );
  const token = createCachedFile(tokenPath, checkMs);
  const ca = createCachedFile(join(folder, 'ca.crt'), checkMs);
  const namespace = await readFile(join(folder, 'namespace'), 'utf8').catch(() => '');
  return {
    url: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace: namespace.trim() || undefined,
    proxyUrl: undefined,
    credentials: async () => ({
      headers: { authorization: `Bearer ${await token()}` },
      tls: { ca: await ca() },
    }),
  };
}
