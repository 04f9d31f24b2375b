// Notifies every scaler replica that records are held because no endpoint is ready. The triggers of one tick go in one request. Delivery
// does not wait for it, and a failure has no other effect than `onError`: the call is repeated while records are held.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Agent, request } from 'undici';
import type { ActivationCall } from '../../core/contract/activation-call.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { TrustingAgents } from '../../core/network/trusting-agents.ts';

export interface ActivationCallOptions {
  /** Origins of the scaler's HTTP port. Where a name resolves to several addresses, there is a replica at each. */
  readonly urls: readonly string[];
  /** The call of one replica failed. Must not throw. */
  readonly onError: (error: Error, url: string) => void;
  /** Milliseconds between two calls for one trigger; 500 when absent. For the scaler, a call is valid for 5 s. */
  readonly minIntervalMs?: number | undefined;
  /** Milliseconds that a replica has to answer; 1,000 when absent. */
  readonly timeoutMs?: number | undefined;
  /** The certificate authorities to trust for `https:`, in PEM; those that Node.js knows when absent. Read for each call. */
  readonly ca?: (() => Promise<string>) | undefined;
  /** The bearer token to send to each scaler; none when absent. Read for each call. */
  readonly token?: (() => Promise<string>) | undefined;
  /** All addresses of a host name; the system's resolver when absent. */
  readonly resolve?: ((hostname: string) => Promise<readonly string[]>) | undefined;
}

/** The most triggers that the scaler accepts in one request. */
const maxTriggers = 1_000;

/** `wake` neither throws nor blocks, as its contract requires. `close` drops calls that are not sent yet and waits for those in flight. */
export function createActivationCall(
  options: ActivationCallOptions,
): ActivationCall & { close(): Promise<void> } {
  return new CoalescingCall(options);
}

class CoalescingCall implements ActivationCall {
  readonly #options: ActivationCallOptions;
  readonly #targets: readonly URL[];
  readonly #agents: TrustingAgents;
  readonly #minIntervalMs: number;
  readonly #timeoutMs: number;
  /** Triggers that were called for within the interval, from the first to the last. */
  readonly #calledMs = new Map<string, number>();
  #forgetTimer: NodeJS.Timeout | undefined;
  readonly #inFlight = new Set<Promise<void>>();
  #pending = new Map<string, Subscription>();
  #closed = false;

  constructor(options: ActivationCallOptions) {
    this.#options = options;
    this.#minIntervalMs = options.minIntervalMs ?? 500;
    this.#timeoutMs = options.timeoutMs ?? 1_000;
    this.#targets = options.urls.map((url) => new URL('/v1/activations', url));
    const connect = { timeout: this.#timeoutMs };
    this.#agents = new TrustingAgents(
      (trust) => new Agent({ connections: 2, connect: { ...connect, ...trust }, keepAliveTimeout: 30_000 }),
    );
  }

  wake(subscription: Subscription): void {
    if (this.#closed) return;
    const nowMs = performance.now();
    const lastMs = this.#calledMs.get(subscription.key);
    if (lastMs !== undefined && nowMs - lastMs < this.#minIntervalMs) return;
    this.#calledMs.delete(subscription.key);
    this.#calledMs.set(subscription.key, nowMs);
    this.#forgetTimer ??= setTimeout(() => this.#forget(), this.#minIntervalMs).unref();
    if (this.#pending.size === 0) setImmediate(() => this.#flush());
    this.#pending.set(subscription.key, subscription);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#forgetTimer);
    this.#pending = new Map();
    await Promise.all(this.#inFlight);
    await this.#agents.close();
  }

  #flush(): void {
    const triggers = [...this.#pending.values()].map(({ namespace, name }) => ({ namespace, name }));
    this.#pending = new Map();
    if (this.#closed || triggers.length === 0) return;
    for (let from = 0; from < triggers.length; from += maxTriggers) {
      const body = JSON.stringify({ triggers: triggers.slice(from, from + maxTriggers) });
      for (const target of this.#targets) {
        const sent = this.#call(target, body).finally(() => this.#inFlight.delete(sent));
        this.#inFlight.add(sent);
      }
    }
  }

  /** Looks at no more than what is over. */
  #forget(): void {
    this.#forgetTimer = undefined;
    const nowMs = performance.now();
    for (const [key, atMs] of this.#calledMs) {
      const leftMs = atMs + this.#minIntervalMs - nowMs;
      if (leftMs > 0) {
        this.#forgetTimer = setTimeout(() => this.#forget(), leftMs).unref();
        return;
      }
      this.#calledMs.delete(key);
    }
  }

  /** Never rejects, and neither does `#callReplica`. */
  async #call(target: URL, body: string): Promise<void> {
    const hostname = target.hostname.replace(/^\[|\]$/g, '');
    const resolve = this.#options.resolve ?? resolveAll;
    try {
      const [addresses, ca, token] = await Promise.all([
        isIP(hostname) === 0 ? resolve(hostname) : [hostname],
        this.#options.ca?.(),
        this.#options.token?.(),
      ]);
      const credentials = { dispatcher: this.#agents.trusting(ca), token };
      await Promise.all(addresses.map((address) => this.#callReplica(target, address, body, credentials)));
    } catch (error) {
      this.#fail(error, target);
    }
  }

  async #callReplica(
    target: URL,
    address: string,
    body: string,
    { dispatcher, token }: { dispatcher: Agent; token: string | undefined },
  ): Promise<void> {
    const at = new URL(target);
    at.hostname = isIP(address) === 6 ? `[${address}]` : address;
    try {
      const response = await request(at, {
        method: 'POST',
        dispatcher,
        headers: {
          'content-type': 'application/json',
          // The header keeps the name, because certificates and virtual hosts depend on it.
          host: target.host,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body,
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      if (response.statusCode === 204) await response.body.dump();
      else this.#fail(new Error(`${response.statusCode}: ${(await response.body.text()).slice(0, 300)}`), at);
    } catch (error) {
      this.#fail(error, at);
    }
  }

  #fail(error: unknown, { origin }: URL): void {
    this.#options.onError(error instanceof Error ? error : new Error(String(error)), origin);
  }
}

async function resolveAll(hostname: string): Promise<string[]> {
  const found = await lookup(hostname, { all: true });
  return found.map(({ address }) => address);
}
