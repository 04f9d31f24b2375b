// The informers of the controller: a watch and a cache for each kind of resource that it reconciles, beside the Triggers, which the table of
// triggers has. Each change is reported once, with the resource as it was before and after.
import { deploymentKind, scaledObjectKind, serviceKind } from '../core/resources/kinds.ts';
import type {
  KubernetesClient,
  Resource,
  ResourceChange,
  ResourceKind,
} from '../core/contract/kubernetes-client.ts';
import { ResourceMap } from '../core/kubernetes/informers/resource-map.ts';
import type { TriggerInformer } from '../core/kubernetes/informers/trigger-informer.ts';
import { managedSelector } from './ownership.ts';
import { onlyDeclared } from './plan/declared-part.ts';

/** What is watched. With a selector, only resources that the controller made. */
const watched = {
  deployments: { kind: deploymentKind, transform: onlyDeclared },
  services: { kind: serviceKind, labelSelector: managedSelector },
  scaledObjects: { kind: scaledObjectKind, labelSelector: managedSelector },
} as const satisfies Record<
  string,
  { kind: ResourceKind; labelSelector?: string; transform?: (resource: Resource) => Resource }
>;

export type WatchedType = keyof typeof watched;
const kedaTypes = ['scaledObjects'] as const satisfies WatchedType[];
const clusterTypes = ['deployments', 'services'] as const satisfies WatchedType[];

export interface ClusterInformers {
  /** `key` is `namespace/name`. */
  get(type: WatchedType | 'triggers', key: string): Resource | undefined;
  list(type: WatchedType): readonly Resource[];
  readonly hasKeda: boolean;
  /** Resolves when all caches but those of KEDA's kinds have synced. Rejects only if `stop` is called before that. */
  start(): Promise<void>;
  stop(): void;
}

export interface ClusterInformersOptions {
  readonly client: Pick<KubernetesClient, 'watch' | 'hasKind'>;
  readonly table: TriggerInformer['table'];
  /** Absent: all. */
  readonly namespaces: readonly string[] | undefined;
  readonly onChange: (type: WatchedType, changes: readonly ResourceChange[]) => void;
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
  readonly #caches = {
    deployments: new ResourceMap(),
    services: new ResourceMap(),
    scaledObjects: new ResourceMap(),
  } as const satisfies Record<WatchedType, ResourceMap>;
  readonly #stopped = new AbortController();
  #keda: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ClusterInformersOptions) {
    this.#options = options;
  }

  get(type: WatchedType | 'triggers', key: string): Resource | undefined {
    if (type === 'triggers') return this.#options.table.get(key)?.resource;
    return this.#caches[type].get(key);
  }

  list(type: WatchedType): readonly Resource[] {
    return this.#caches[type].all();
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

  async #watch(type: WatchedType, signal: AbortSignal): Promise<void> {
    const { kind, ...selection } = watched[type];
    const { client, namespaces, onChange } = this.#options;
    const cache = this.#caches[type];
    cache.clear();
    const unwatch = await client.watch(kind, { namespaces, signal, ...selection }, (changes) => {
      if (signal.aborted) return;
      cache.apply(changes);
      if (changes.length > 0) onChange(type, changes);
    });
    signal.addEventListener('abort', unwatch, { once: true });
    if (signal.aborted) unwatch();
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
    } else for (const type of kedaTypes) this.#caches[type].clear();
    this.hasKeda = has;
    onKedaChange();
  }
}
