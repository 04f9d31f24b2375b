// Which API server is asked, and by what right: a kubeconfig, or the service account of the pod. The client library reads both, and
// logs in as they say; the requests themselves go over one pool of connections, which lasts until a certificate changes.
import type { RequestOptions } from 'node:https';
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import { MillraceError } from '../contract/errors.ts';
import { withoutCredentials } from '../contract/problem.ts';

export interface ConnectionSettings {
  /** Files, separated as in a PATH; absent: the service account of the pod, else `~/.kube/config`. */
  readonly kubeconfig?: string | undefined;
}

export interface Connection {
  /** Such as `https://10.96.0.1:443`, without a slash at the end. */
  readonly url: string;
  /** The own namespace. */
  readonly namespace: string | undefined;
  /** What a request needs now: tokens and certificates are renewed while we run. */
  authorize(): Promise<Authority>;
  close(): Promise<void>;
}

export interface Authority {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

const podTokenPath = '/var/run/secrets/kubernetes.io/serviceaccount/token';
/** A peer that has vanished is noticed so much later, in ms, and then some seconds (libuv asks ten times, once a second). */
const keepAliveDelayMs = 15_000;
const connectLimitMs = 5_000;

/** Throws MILLRACE_CONFIG_INVALID where nothing says which API server. It need not answer yet. */
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
      'no API server is known: this is no pod with a service account, and neither KUBECONFIG nor ~/.kube/config is there',
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

/** What the YAML parser tells quotes the file, and so the tokens and keys in it. */
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

/** Connections that trust, and show, the same certificates. When these change new requests get new connections. */
class TlsPool {
  readonly #proxyUrl: string | undefined;
  #key = '';
  #current: Dispatcher | undefined;
  #isClosed = false;
  /** Serve what is under way over them, to its end. */
  readonly #retired = new Set<Dispatcher>();

  constructor(proxyUrl: string | undefined) {
    if (proxyUrl !== undefined && !/^https?:/.test(proxyUrl)) {
      throw new MillraceError(
        'MILLRACE_CONFIG_INVALID',
        `the kubeconfig has the proxy ${withoutCredentials(proxyUrl)}: only http and https ones are spoken`,
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
