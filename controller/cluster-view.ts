// What the controller knows of the cluster: the resources of each kind that it watches, as they were last told.
import {
  deploymentKind,
  kafkaClusterKind,
  scaledObjectKind,
  serviceKind,
  triggerAuthenticationKind,
  triggerKind,
} from '../core/resources/kinds.ts';
import type { KubernetesClient, Resource, ResourceKind } from '../core/contract/kubernetes-client.ts';
import { keyOf, managedSelector } from './names.ts';

/** The kinds that are watched; of those after Deployment, only what the controller made. */
const watched = {
  triggers: { kind: triggerKind },
  clusters: { kind: kafkaClusterKind },
  deployments: { kind: deploymentKind },
  services: { kind: serviceKind, labelSelector: managedSelector },
  scaledObjects: { kind: scaledObjectKind, labelSelector: managedSelector },
  authentications: { kind: triggerAuthenticationKind, labelSelector: managedSelector },
} as const satisfies Record<string, { kind: ResourceKind; labelSelector?: string }>;

export type WatchedName = keyof typeof watched;
const ofKeda = ['scaledObjects', 'authentications'] as const satisfies WatchedName[];
const ofCluster = ['clusters', 'deployments', 'services', 'triggers'] as const satisfies WatchedName[];

/** A resource that came, changed or went; `now` is undefined where it went. */
export interface Change {
  readonly of: WatchedName;
  readonly before: Resource | undefined;
  readonly now: Resource | undefined;
}

export interface ClusterView {
  find(of: WatchedName, key: string): Resource | undefined;
  all(of: WatchedName): readonly Resource[];
  readonly hasKeda: boolean;
  /** Resolves when everything but what is KEDA's has been listed. Rejects only where `stop` came first. */
  start(): Promise<void>;
  stop(): void;
}

export interface ClusterViewOptions {
  readonly client: Pick<KubernetesClient, 'watch' | 'hasKind'>;
  /** Absent: all. */
  readonly namespaces: readonly string[] | undefined;
  readonly onChange: (changes: readonly Change[]) => void;
  /** KEDA came or went. */
  readonly onKeda: () => void;
  /** Milliseconds between two looks for KEDA; 15,000 when absent. */
  readonly kedaMs?: number | undefined;
}

export function createClusterView(options: ClusterViewOptions): ClusterView {
  return new WatchedCluster(options);
}

class WatchedCluster implements ClusterView {
  hasKeda = false;
  readonly #options: ClusterViewOptions;
  readonly #stores = new Map<WatchedName, ReadonlyMap<string, Resource>>();
  readonly #stopped = new AbortController();
  #keda: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ClusterViewOptions) {
    this.#options = options;
  }

  find(of: WatchedName, key: string): Resource | undefined {
    return this.#stores.get(of)?.get(key);
  }

  all(of: WatchedName): readonly Resource[] {
    return [...(this.#stores.get(of)?.values() ?? [])];
  }

  async start(): Promise<void> {
    await Promise.all([...ofCluster.map((of) => this.#watch(of, this.#stopped.signal)), this.#lookForKeda()]);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped.abort();
    this.#keda?.abort();
  }

  async #watch(of: WatchedName, signal: AbortSignal): Promise<void> {
    const { kind, ...selection } = watched[of];
    const { client, namespaces } = this.#options;
    const unwatch = await client.watch(kind, { namespaces, signal, ...selection }, (all) => {
      if (!signal.aborted) this.#replace(of, all);
    });
    signal.addEventListener('abort', unwatch, { once: true });
    if (signal.aborted) unwatch();
  }

  #replace(of: WatchedName, all: readonly Resource[]): void {
    const before = this.#stores.get(of) ?? new Map<string, Resource>();
    const now = new Map(all.map((resource) => [keyOf(resource), resource]));
    this.#stores.set(of, now);
    const changes: Change[] = [];
    for (const [key, resource] of now) {
      const known = before.get(key);
      if (known?.metadata.resourceVersion !== resource.metadata.resourceVersion || known === undefined)
        changes.push({ of, before: known, now: resource });
    }
    for (const [key, resource] of before)
      if (!now.has(key)) changes.push({ of, before: resource, now: undefined });
    if (changes.length > 0) this.#options.onChange(changes);
  }

  /** KEDA may be installed, or removed, at any time. An API server that does not tell changes nothing. */
  async #lookForKeda(): Promise<void> {
    const { client, onKeda, kedaMs = 15_000 } = this.#options;
    const { apiVersion, kind } = scaledObjectKind;
    const has = await client.hasKind(apiVersion, kind).catch(() => this.hasKeda);
    if (this.#stopped.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#lookForKeda(), kedaMs);
    if (has === this.hasKeda) return;
    this.#keda?.abort();
    if (has) {
      const keda = (this.#keda = new AbortController());
      await Promise.all(ofKeda.map((of) => this.#watch(of, keda.signal))).catch(() => undefined);
      if (keda.signal.aborted) return;
    } else for (const of of ofKeda) this.#stores.delete(of);
    this.hasKeda = has;
    onKeda();
  }
}
