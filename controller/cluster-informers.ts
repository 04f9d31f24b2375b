// The informers of the controller: a watch and a cache for each kind of resource that it reconciles. Each change is reported once,
// with the resource as it was before and after.
import {
  deploymentKind,
  kafkaClusterKind,
  scaledObjectKind,
  serviceKind,
  triggerAuthenticationKind,
  triggerKind,
} from '../core/resources/kinds.ts';
import type { KubernetesClient, Resource, ResourceKind } from '../core/contract/kubernetes-client.ts';
import { keyOf, managedSelector } from './ownership.ts';

/** What is watched. With a selector, only resources that the controller made. */
const watched = {
  triggers: { kind: triggerKind },
  clusters: { kind: kafkaClusterKind },
  deployments: { kind: deploymentKind },
  services: { kind: serviceKind, labelSelector: managedSelector },
  scaledObjects: { kind: scaledObjectKind, labelSelector: managedSelector },
  authentications: { kind: triggerAuthenticationKind, labelSelector: managedSelector },
} as const satisfies Record<string, { kind: ResourceKind; labelSelector?: string }>;

export type ResourceType = keyof typeof watched;
const kedaTypes = ['scaledObjects', 'authentications'] as const satisfies ResourceType[];
const clusterTypes = ['clusters', 'deployments', 'services', 'triggers'] as const satisfies ResourceType[];

/** `before` is undefined for a resource that was added, `after` for one that was deleted. */
export interface ResourceChange {
  readonly type: ResourceType;
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
}

export interface ClusterInformers {
  /** `key` is `namespace/name`. */
  get(type: ResourceType, key: string): Resource | undefined;
  list(type: ResourceType): readonly Resource[];
  readonly hasKeda: boolean;
  /** Resolves when all caches but those of KEDA's kinds have synced. Rejects only if `stop` is called before that. */
  start(): Promise<void>;
  stop(): void;
}

export interface ClusterInformersOptions {
  readonly client: Pick<KubernetesClient, 'watch' | 'hasKind'>;
  /** Absent: all. */
  readonly namespaces: readonly string[] | undefined;
  readonly onChange: (changes: readonly ResourceChange[]) => void;
  /** KEDA was installed or removed. */
  readonly onKedaChange: () => void;
  /** Milliseconds between two checks for KEDA; 15,000 when absent. */
  readonly kedaCheckMs?: number | undefined;
}

export function createClusterInformers(options: ClusterInformersOptions): ClusterInformers {
  return new WatchInformers(options);
}

class WatchInformers implements ClusterInformers {
  hasKeda = false;
  readonly #options: ClusterInformersOptions;
  readonly #caches = new Map<ResourceType, ReadonlyMap<string, Resource>>();
  readonly #stopped = new AbortController();
  #keda: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ClusterInformersOptions) {
    this.#options = options;
  }

  get(type: ResourceType, key: string): Resource | undefined {
    return this.#caches.get(type)?.get(key);
  }

  list(type: ResourceType): readonly Resource[] {
    return [...(this.#caches.get(type)?.values() ?? [])];
  }

  async start(): Promise<void> {
    await Promise.all([
      ...clusterTypes.map((type) => this.#watch(type, this.#stopped.signal)),
      this.#checkForKeda(),
    ]);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped.abort();
    this.#keda?.abort();
  }

  async #watch(type: ResourceType, signal: AbortSignal): Promise<void> {
    const { kind, ...selection } = watched[type];
    const { client, namespaces } = this.#options;
    const unwatch = await client.watch(kind, { namespaces, signal, ...selection }, (all) => {
      if (!signal.aborted) this.#replace(type, all);
    });
    signal.addEventListener('abort', unwatch, { once: true });
    if (signal.aborted) unwatch();
  }

  #replace(type: ResourceType, all: readonly Resource[]): void {
    const old = this.#caches.get(type) ?? new Map<string, Resource>();
    const current = new Map(all.map((resource) => [keyOf(resource), resource]));
    this.#caches.set(type, current);
    const changes: ResourceChange[] = [];
    for (const [key, after] of current) {
      const before = old.get(key);
      if (before?.metadata.resourceVersion !== after.metadata.resourceVersion || before === undefined)
        changes.push({ type, before, after });
    }
    for (const [key, before] of old) if (!current.has(key)) changes.push({ type, before, after: undefined });
    if (changes.length > 0) this.#options.onChange(changes);
  }

  /** KEDA may be installed or removed at any time. While the API server does not answer, the last answer counts. */
  async #checkForKeda(): Promise<void> {
    const { client, onKedaChange, kedaCheckMs = 15_000 } = this.#options;
    const { apiVersion, kind } = scaledObjectKind;
    const has = await client.hasKind(apiVersion, kind).catch(() => this.hasKeda);
    if (this.#stopped.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#checkForKeda(), kedaCheckMs);
    if (has === this.hasKeda) return;
    this.#keda?.abort();
    if (has) {
      const keda = (this.#keda = new AbortController());
      await Promise.all(kedaTypes.map((type) => this.#watch(type, keda.signal))).catch(() => undefined);
      if (keda.signal.aborted) return;
    } else for (const type of kedaTypes) this.#caches.delete(type);
    this.hasKeda = has;
    onKedaChange();
  }
}
