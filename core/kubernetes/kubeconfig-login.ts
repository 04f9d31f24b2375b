// The login that a kubeconfig describes: certificates, tokens, passwords, exec plugins, OpenID Connect. The client library knows them all. It
// is loaded only here, when there is a kubeconfig, because each class of the Kubernetes API comes with it: 80 MB.
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { MillraceError } from '../contract/errors.ts';
import type { Login } from './login.ts';

/** `files` has at least one. Rejects with MILLRACE_CONFIG_INVALID if one cannot be read, or if their context names no API server. */
export async function openKubeconfigLogin(files: readonly string[]): Promise<Login> {
  const config = await readFiles(files);
  const cluster = config.getCurrentCluster();
  if (cluster === null || !URL.canParse(cluster.server)) {
    throw new MillraceError(
      'MILLRACE_CONFIG_INVALID',
      `the kubeconfig names no API server in its current context (${config.getCurrentContext() || 'none'})`,
    );
  }
  return {
    url: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace?.trim() || undefined,
    proxyUrl: cluster.proxyUrl,
    credentials: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
      const tls = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername };
      return { headers: headersOf(options), tls };
    },
  };
}

async function readFiles(files: readonly string[]): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    for (const file of files) {
      const read = new KubeConfig();
      read.loadFromFile(file);
      // As in kubectl, the first file that names a context decides. The library has none before that, whatever its type says.
      config.mergeConfig(read, Boolean(config.getCurrentContext()));
    }
  } catch (error) {
    throw new MillraceError('MILLRACE_CONFIG_INVALID', `cannot read the kubeconfig ${files.join(', ')}`, {
      cause: withoutSource(error),
    });
  }
  return config;
}

/** Errors of the YAML parser quote the file, and with it tokens and keys: this keeps only the line number. */
function withoutSource(error: unknown): unknown {
  const { mark } = error as { mark?: { line: number } };
  return mark === undefined ? error : new Error(`it is no YAML from line ${mark.line + 1} on`);
}

function headersOf({ headers, auth }: RequestOptions): Record<string, string> {
  const own = Object.entries((headers ?? {}) as Record<string, unknown>);
  const named = Object.fromEntries(own.map(([name, value]) => [name.toLowerCase(), String(value)]));
  if (typeof auth === 'string') named.authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
  return named;
}
