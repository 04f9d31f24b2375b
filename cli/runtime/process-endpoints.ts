// Runs the functions of all triggers as processes on this machine and gives the gateway their ready endpoints. In a cluster,
// Deployments, kubelets and EndpointSlices do this.
import type { Endpoint, EndpointSource } from '../../core/contract/endpoint-source.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { FunctionReplicas } from './function-replicas.ts';

export interface ProcessEndpointsOptions {
  /** Endpoints of the triggers whose function does not run as a process here, such as those with a `uri`. */
  readonly others: EndpointSource;
  /** Requests in flight for a trigger, by its key. */
  readonly inFlight: (key: string) => number;
  readonly onLine: (key: string, replica: number, line: string) => void;
  readonly onTrouble: (key: string, replica: number, message: string) => void;
}

export interface ReplicaCount {
  readonly desired: number;
  readonly ready: number;
  /** Includes replicas that are starting, restarting or stopping. */
  readonly alive: number;
}

type Listener = (ready: readonly Endpoint[]) => void;

interface RunningFunction {
  readonly definition: string;
  readonly replicas: FunctionReplicas;
}

export class ProcessEndpoints implements EndpointSource {
  readonly #options: ProcessEndpointsOptions;
  readonly #functions = new Map<string, RunningFunction>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #stopping = new Set<Promise<void>>();

  constructor(options: ProcessEndpointsOptions) {
    this.#options = options;
  }

  watch(subscription: Subscription, onChange: Listener): () => void {
    const { key } = subscription;
    if (subscription.dev === undefined) return this.#options.others.watch(subscription, onChange);
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(onChange));
    onChange(this.#functions.get(key)?.replicas.ready ?? []);
    return () => listeners.delete(onChange);
  }

  /** Applies an edit: restarts functions whose dev-command or folder has changed, and stops those that were removed. */
  apply(subscriptions: readonly Subscription[]): void {
    const wanted = new Map(subscriptions.map((subscription) => [subscription.key, subscription]));
    for (const [key, { definition, replicas }] of this.#functions) {
      const subscription = wanted.get(key);
      if (subscription !== undefined && definitionOf(subscription) === definition) continue;
      const { desired } = replicas;
      this.#retire(key, replicas);
      if (subscription?.dev !== undefined) this.scaleTo(subscription, desired);
    }
  }

  /** Returns at once. Endpoints are added as the processes become ready. */
  scaleTo(subscription: Subscription, replicas: number): void {
    const { key, dev } = subscription;
    if (dev === undefined) return;
    let running = this.#functions.get(key);
    if (running === undefined) {
      running = { definition: definitionOf(subscription), replicas: this.#replicasOf(subscription, dev) };
      this.#functions.set(key, running);
    }
    running.replicas.scaleTo(replicas);
  }

  count(key: string): ReplicaCount {
    const replicas = this.#functions.get(key)?.replicas;
    return {
      desired: replicas?.desired ?? 0,
      ready: replicas?.ready.length ?? 0,
      alive: replicas?.alive ?? 0,
    };
  }

  /** Resolves when no process is left. */
  async stop(): Promise<void> {
    for (const [key, { replicas }] of this.#functions) this.#retire(key, replicas);
    await Promise.all(this.#stopping);
  }

  #retire(key: string, replicas: FunctionReplicas): void {
    this.#functions.delete(key);
    const stopped = replicas.stop().finally(() => this.#stopping.delete(stopped));
    this.#stopping.add(stopped);
  }

  #replicasOf(subscription: Subscription, dev: NonNullable<Subscription['dev']>): FunctionReplicas {
    const { key } = subscription;
    const { inFlight, onLine, onTrouble } = this.#options;
    return new FunctionReplicas({
      ...dev,
      env: { MILLRACE_TRIGGER: key },
      inFlight: () => inFlight(key),
      drainLimitMs: subscription.delivery.timeoutMs,
      onReady: (ready) => this.#notify(key, ready),
      onLine: (replica, line) => onLine(key, replica, line),
      onTrouble: (replica, message) => onTrouble(key, replica, message),
    });
  }

  #notify(key: string, ready: readonly Endpoint[]): void {
    for (const listener of this.#listeners.get(key) ?? []) listener(ready);
  }
}

function definitionOf({ dev }: Subscription): string {
  return JSON.stringify(dev);
}
