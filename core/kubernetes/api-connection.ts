// The connection to the API server, by a kubeconfig or the service account of the pod. The client library reads both and provides the
// credentials; our own requests go through one pool of connections, which is replaced when a certificate changes.
import type { RequestOptions } from 'node:https';
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import { MillraceError } from '../contract/errors.ts';
import { withoutCredentials } from '../contract/manifest-problem.ts';

export interface ConnectionSettings {
  /** Files, separated as in PATH. Absent: the service account of the pod, or else `~/.kube/config`. */
  readonly kubeconfig?: string | undefined;
}

export interface Connection {
  /** Without a slash at the end, such as `https://10.96.0.1:443`. */
  readonly url: string;
  /** Namespace of the pod, or of the context in the kubeconfig. */
  readonly namespace: string | undefined;
  /** What a request needs now. Called for each request, because tokens and certificates are renewed. */
  authorize(): Promise<Authority>;
  close(): Promise<void>;
}

export interface Authority {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

const podTokenPath = '/var/run/secrets/kubernetes.io/serviceaccount/token';
/** TCP keep-alive notices a vanished peer after this time, in ms, and ten more seconds (libuv sends ten probes, one per second). */
const keepAliveDelayMs = 15_000;
const connectLimitMs = 5_000;

/** Rejects with MILLRACE_CONFIG_INVALID if no API server is configured. The API server need not answer yet. */
export async function openConnection(settings: ConnectionSettings = {}): Promise<Connection> {
  const config = await readConfig(settings);
  const cluster = config.getCurrentCluster();
  if (cluster === null || !URL.canParse(cluster.server)) {
    throw new MillraceError(
      'MILLRACE_CONFIG_INVALID',
      `the kubeconfig names no API server in its current context (${config.getCurrentContext() || 'none'})`,
    );
  }
  const pool = new TlsPool(cluster.proxyUrl);
  return {
    url: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace?.trim() || undefined,
    authorize: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      return { headers: headersOf(options), dispatcher: pool.dispatcherFor(options) };
    },
    close: () => pool.close(),
  };
}

async function readConfig({ kubeconfig }: ConnectionSettings): Promise<KubeConfig> {
  const config = new KubeConfig();
  const home = join(homedir(), '.kube', 'config');
  const files = kubeconfig?.split(delimiter).filter((file) => file !== '') ?? [];
  if (files.length === 0 && (await isThere(podTokenPath))) {
    config.loadFromCluster();
    return config;
  }
  if (files.length === 0 && (await isThere(home))) files.push(home);
  const [first, ...others] = files;
  if (first === undefined) {
    throw new MillraceError(
      'MILLRACE_CONFIG_INVALID',
      'no API server is known: this is not a pod with a service account, and there is neither KUBECONFIG nor ~/.kube/config',
    );
  }
  try {
    config.loadFromFile(first);
    for (const file of others) {
      const more = new KubeConfig();
      more.loadFromFile(file);
      config.mergeConfig(more, true);
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

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function headersOf({ headers, auth }: RequestOptions): Record<string, string> {
  const own = Object.entries((headers ?? {}) as Record<string, unknown>);
  const named = Object.fromEntries(own.map(([name, value]) => [name.toLowerCase(), String(value)]));
  if (typeof auth === 'string') named.authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
  return named;
}

/** A pool of connections with the same CAs and client certificate. When these change, new requests get a new pool. */
class TlsPool {
  readonly #proxyUrl: string | undefined;
  #key = '';
  #current: Dispatcher | undefined;
  #isClosed = false;
  /** Old pools, which finish their requests in flight. */
  readonly #retired = new Set<Dispatcher>();

  constructor(proxyUrl: string | undefined) {
    if (proxyUrl !== undefined && !/^https?:/.test(proxyUrl)) {
      throw new MillraceError(
        'MILLRACE_CONFIG_INVALID',
        `the kubeconfig has the proxy ${withoutCredentials(proxyUrl)}: only http and https proxies are supported`,
      );
    }
    this.#proxyUrl = proxyUrl;
  }

  dispatcherFor(options: RequestOptions): Dispatcher {
    if (this.#isClosed)
      throw new MillraceError(
        'MILLRACE_KUBERNETES_UNREACHABLE',
        'the connection to the API server is closed',
      );
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
    const given = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername };
    const tls = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const name = JSON.stringify(tls);
    if (this.#current === undefined || name !== this.#key) {
      if (this.#current !== undefined) this.#retire(this.#current);
      this.#current = this.#open(tls);
      this.#key = name;
    }
    return this.#current;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#retired, ...(this.#current === undefined ? [] : [this.#current])];
    await Promise.all(all.map((dispatcher) => dispatcher.destroy()));
  }

  #open(tls: object): Dispatcher {
    const connect = { ...tls, keepAlive: true, keepAliveInitialDelay: keepAliveDelayMs };
    const shared = { headersTimeout: 0, bodyTimeout: 0, connect: { ...connect, timeout: connectLimitMs } };
    return this.#proxyUrl === undefined
      ? new Agent(shared)
      : new ProxyAgent({ ...shared, uri: this.#proxyUrl, requestTls: connect });
  }

  #retire(dispatcher: Dispatcher): void {
    this.#retired.add(dispatcher);
    void dispatcher.close().finally(() => this.#retired.delete(dispatcher));
  }
}
