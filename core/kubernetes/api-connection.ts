// The connection to the API server, by a kubeconfig or the ServiceAccount of the pod: credentials, pooled sockets, and flow control, which all
// who send requests over it share.
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Dispatcher } from 'undici';
import { MillraceError } from '../contract/errors.ts';
import type { SentRequest } from '../contract/kubernetes-client.ts';
import { openInClusterLogin, type InClusterSettings } from './in-cluster-login.ts';
import type { Login } from './login.ts';
import { RequestLimiter } from './request-limiter.ts';
import { TlsPool } from './tls-pool.ts';

export interface ConnectionSettings extends InClusterSettings {
  /** Files, separated as in PATH. Absent: the ServiceAccount of the pod, or else `~/.kube/config`. */
  readonly kubeconfig?: string | undefined;
  readonly onRequest?: ((request: SentRequest) => void) | undefined;
}

export interface Connection {
  /** Without a slash at the end, such as `https://10.96.0.1:443`. */
  readonly url: string;
  /** Namespace of the pod, or of the context in the kubeconfig. */
  readonly namespace: string | undefined;
  readonly limiter: RequestLimiter;
  /** Must not throw. */
  readonly onRequest?: ((request: SentRequest) => void) | undefined;
  /** What a request needs now. Called for each request, because tokens and certificates are renewed. */
  authorize(): Promise<Authority>;
  close(): Promise<void>;
}

export interface Authority {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

/** Rejects with MILLRACE_CONFIG_INVALID if no API server is configured. The API server need not answer yet. */
export async function openConnection(settings: ConnectionSettings = {}): Promise<Connection> {
  const login = await openLogin(settings);
  const pool = new TlsPool(login.proxyUrl);
  return {
    url: login.url,
    namespace: login.namespace,
    limiter: new RequestLimiter(),
    onRequest: settings.onRequest,
    authorize: async () => {
      const { headers, tls } = await login.credentials();
      return { headers, dispatcher: pool.dispatcherFor(tls) };
    },
    close: () => pool.close(),
  };
}

async function openLogin({ kubeconfig, ...inCluster }: ConnectionSettings): Promise<Login> {
  const files = kubeconfig?.split(delimiter).filter((file) => file !== '') ?? [];
  const ofPod = files.length === 0 ? await openInClusterLogin(inCluster) : undefined;
  if (ofPod !== undefined) return ofPod;
  const home = join(homedir(), '.kube', 'config');
  if (files.length === 0 && (await isThere(home))) files.push(home);
  if (files.length === 0)
    throw new MillraceError(
      'MILLRACE_CONFIG_INVALID',
      'no API server is known: this is not a pod with a service account, and there is neither KUBECONFIG nor ~/.kube/config',
    );
  const { openKubeconfigLogin } = await import('./kubeconfig-login.ts');
  return openKubeconfigLogin(files);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
