// The connections to the API server: one pool for all requests with the same CAs and client certificate. When these change, new requests get
// a new pool, and the old one finishes its requests.
import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import { MillraceError } from '../contract/errors.ts';
import { withoutCredentials } from '../contract/manifest-problem.ts';
import type { TlsOptions } from './login.ts';

/** TCP keep-alive notices a vanished peer after this time, in ms, and ten more seconds (libuv sends ten probes, one per second). */
const keepAliveDelayMs = 15_000;
const connectLimitMs = 5_000;

export class TlsPool {
  readonly #proxyUrl: string | undefined;
  #key = '';
  #current: Dispatcher | undefined;
  #isClosed = false;
  /** Old pools, which finish their requests in flight. */
  readonly #retired = new Set<Dispatcher>();

  /** Throws MILLRACE_CONFIG_INVALID for a proxy that is not supported. */
  constructor(proxyUrl: string | undefined) {
    if (proxyUrl !== undefined && !/^https?:/.test(proxyUrl)) {
      throw new MillraceError(
        'MILLRACE_CONFIG_INVALID',
        `the kubeconfig has the proxy ${withoutCredentials(proxyUrl)}: only http and https proxies are supported`,
      );
    }
    this.#proxyUrl = proxyUrl;
  }

  dispatcherFor(options: TlsOptions): Dispatcher {
    if (this.#isClosed)
      throw new MillraceError(
        'MILLRACE_KUBERNETES_UNREACHABLE',
        'the connection to the API server is closed',
      );
    const tls = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const key = JSON.stringify(tls);
    if (this.#current === undefined || key !== this.#key) {
      if (this.#current !== undefined) this.#retire(this.#current);
      this.#current = this.#open(tls);
      this.#key = key;
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
