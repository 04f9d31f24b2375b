// The KafkaClusters of the API server, those resolved that only name who runs their brokers; all other kinds are watched as they are. Nobody is
// asked about Strimzi while no KafkaCluster names it.
import { withResolution, type Resolution } from '../contract/cluster-resolution.ts';
import { validateKafkaCluster } from '../contract/kafka-cluster.ts';
import type { FilledKafkaCluster } from '../contract/kafka-cluster-schema.ts';
import { kafkaClusterKind } from '../contract/kinds.ts';
import type {
  KubernetesClient,
  Resource,
  ResourceKind,
  ResourceWatch,
  WatchOptions,
} from '../contract/kubernetes.ts';
import type { SecretReader } from '../contract/secrets.ts';
import { resolveStrimzi } from '../contract/strimzi.ts';
import { BindingView, type BindingPlace } from './binding-view.ts';
import { openStrimziView, type StrimziView } from './strimzi-view.ts';

export interface ResolvedClustersOptions {
  readonly client: Pick<KubernetesClient, 'watch' | 'list' | 'hasKind'>;
  readonly secrets: Pick<SecretReader, 'read'>;
  /** As in `StrimziViewOptions` and `BindingViewOptions`. */
  readonly lookMs?: number | undefined;
}

export function withResolvedClusters(options: ResolvedClustersOptions): ResourceWatch {
  return {
    watch: (kind, watching, onChange) =>
      isKafkaCluster(kind)
        ? new ResolvedClusters(options, watching, onChange).start()
        : options.client.watch(kind, watching, onChange),
  };
}

function isKafkaCluster({ apiVersion, kind }: ResourceKind): boolean {
  return apiVersion === kafkaClusterKind.apiVersion && kind === kafkaClusterKind.kind;
}

type Spec = FilledKafkaCluster['spec'];

class ResolvedClusters {
  readonly #options: ResolvedClustersOptions;
  readonly #watching: WatchOptions;
  readonly #onChange: (all: readonly Resource[]) => void;
  #clusters: readonly Resource[] = [];
  readonly #bindings: BindingView;
  #view: StrimziView | undefined;
  #opening: Promise<void> | undefined;
  #isTold = false;
  #isStopped = false;

  constructor(
    options: ResolvedClustersOptions,
    watching: WatchOptions,
    onChange: (all: readonly Resource[]) => void,
  ) {
    this.#options = options;
    this.#watching = watching;
    this.#onChange = onChange;
    const { secrets, lookMs } = options;
    this.#bindings = new BindingView({ secrets, lookMs, onChange: () => this.#tell() });
  }

  async start(): Promise<() => void> {
    const { signal } = this.#watching;
    let looked: Promise<void> | undefined;
    const unwatch = await this.#options.client.watch(kafkaClusterKind, this.#watching, (clusters) => {
      this.#clusters = clusters;
      if (clusters.some((cluster) => specOf(cluster)?.strimzi !== undefined)) this.#opening ??= this.#open();
      looked = this.#bindings.want(clusters.flatMap((cluster) => bindingOf(cluster) ?? []));
      this.#tell();
    });
    const stop = (): void => {
      unwatch();
      this.#stop();
    };
    signal?.addEventListener('abort', stop, { once: true });
    await Promise.all([this.#opening, looked]);
    if (signal?.aborted === true) {
      stop();
      signal.throwIfAborted();
    }
    this.#isTold = true;
    this.#tell();
    return stop;
  }

  #stop(): void {
    this.#isStopped = true;
    this.#view?.stop();
    this.#bindings.stop();
  }

  async #open(): Promise<void> {
    const { client, lookMs } = this.#options;
    const { namespaces } = this.#watching;
    const view = await openStrimziView({ client, namespaces, lookMs, onChange: () => this.#tell() });
    if (this.#isStopped) view.stop();
    else this.#view = view;
    this.#tell();
  }

  #tell(): void {
    if (!this.#isTold || this.#isStopped) return;
    this.#onChange(this.#clusters.map((cluster) => this.#resolved(cluster)));
  }

  #resolved(cluster: Resource): Resource {
    const resolution = this.#resolution(cluster);
    return resolution === undefined ? cluster : withResolution(cluster, resolution);
  }

  #resolution(cluster: Resource): Resolution | undefined {
    const binding = bindingOf(cluster);
    if (binding !== undefined) return this.#bindings.resolution(binding);
    const strimzi = specOf(cluster)?.strimzi;
    if (strimzi === undefined) return undefined;
    const look = this.#view?.look ?? { kind: 'unread', why: 'not yet' };
    return resolveStrimzi(strimzi, cluster.metadata.namespace ?? '', look);
  }
}

/** Undefined where the KafkaCluster has mistakes, which are told of it as it is. */
function specOf({ apiVersion, kind, metadata: { name, namespace }, spec }: Resource): Spec | undefined {
  const verdict = validateKafkaCluster({ apiVersion, kind, metadata: { name, namespace }, spec });
  return verdict.kind === 'right' ? verdict.cluster.spec : undefined;
}

function bindingOf(cluster: Resource): BindingPlace | undefined {
  const secretName = specOf(cluster)?.binding?.secretName;
  return secretName === undefined ? undefined : { namespace: cluster.metadata.namespace ?? '', secretName };
}
