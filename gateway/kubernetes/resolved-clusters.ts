// The KafkaClusters of the API server, those resolved that only name who runs their brokers; all other kinds are watched as they are. Nobody is
// asked about Strimzi while no KafkaCluster names it.
import { withResolution } from '../contract/cluster-resolution.ts';
import { validateKafkaCluster } from '../contract/kafka-cluster.ts';
import type { FilledStrimzi } from '../contract/kafka-cluster-schema.ts';
import { kafkaClusterKind } from '../contract/kinds.ts';
import type {
  KubernetesClient,
  Resource,
  ResourceKind,
  ResourceWatch,
  WatchOptions,
} from '../contract/kubernetes.ts';
import { resolveStrimzi } from '../contract/strimzi.ts';
import { openStrimziView, type StrimziView } from './strimzi-view.ts';

export interface ResolvedClustersOptions {
  readonly client: Pick<KubernetesClient, 'watch' | 'list' | 'hasKind'>;
  /** As in `StrimziViewOptions`. */
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

class ResolvedClusters {
  readonly #options: ResolvedClustersOptions;
  readonly #watching: WatchOptions;
  readonly #onChange: (all: readonly Resource[]) => void;
  #clusters: readonly Resource[] = [];
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
  }

  async start(): Promise<() => void> {
    const { signal } = this.#watching;
    const unwatch = await this.#options.client.watch(kafkaClusterKind, this.#watching, (clusters) => {
      this.#clusters = clusters;
      if (clusters.some((cluster) => strimziOf(cluster) !== undefined)) this.#opening ??= this.#open();
      this.#tell();
    });
    const stop = (): void => {
      unwatch();
      this.#stop();
    };
    signal?.addEventListener('abort', stop, { once: true });
    await this.#opening;
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
    const strimzi = strimziOf(cluster);
    if (strimzi === undefined) return cluster;
    const look = this.#view?.look ?? { kind: 'unread', why: 'not yet' };
    return withResolution(cluster, resolveStrimzi(strimzi, cluster.metadata.namespace ?? '', look));
  }
}

/** Undefined where there is none, or where the KafkaCluster has mistakes, which are told of it as it is. */
function strimziOf({
  apiVersion,
  kind,
  metadata: { name, namespace },
  spec,
}: Resource): FilledStrimzi | undefined {
  const verdict = validateKafkaCluster({ apiVersion, kind, metadata: { name, namespace }, spec });
  return verdict.kind === 'right' ? verdict.cluster.spec.strimzi : undefined;
}
