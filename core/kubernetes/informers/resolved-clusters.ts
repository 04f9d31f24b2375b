// The KafkaClusters of the API server, those resolved that only name who runs their brokers; all other kinds are watched as they are. Nobody is
// asked about Strimzi while no KafkaCluster names it.
import { withResolution, type Resolution } from '../../resources/cluster-resolution.ts';
import { validateKafkaCluster } from '../../resources/kafka-cluster.ts';
import type { FilledKafkaCluster } from '../../resources/schema/kafka-cluster-schema.ts';
import { kafkaClusterKind } from '../../resources/kinds.ts';
import type {
  KubernetesClient,
  Resource,
  ResourceKind,
  ResourceWatch,
  WatchOptions,
} from '../../contract/kubernetes-client.ts';
import type { SecretReader } from '../../contract/secret-reader.ts';
import { resolveStrimzi } from '../strimzi/strimzi-kafka.ts';
import { BindingView, type BindingPlace } from '../strimzi/binding-view.ts';
import { openStrimziView, type StrimziView } from '../strimzi/strimzi-view.ts';

export interface ResolvedClustersOptions {
  readonly client: Pick<KubernetesClient, 'watch' | 'list' | 'hasKind'>;
  readonly secrets: Pick<SecretReader, 'read'>;
  /** As in `StrimziViewOptions` and `BindingViewOptions`. */
  readonly checkMs?: number | undefined;
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

/** As it stands; `spec` is undefined where it has mistakes, which are told of it as it is. */
interface Judged {
  readonly cluster: Resource;
  readonly spec: FilledKafkaCluster['spec'] | undefined;
}

class ResolvedClusters {
  readonly #options: ResolvedClustersOptions;
  readonly #watching: WatchOptions;
  readonly #onChange: (all: readonly Resource[]) => void;
  #judged: readonly Judged[] = [];
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
    const { secrets, checkMs } = options;
    this.#bindings = new BindingView({ secrets, checkMs, onChange: () => this.#tell() });
  }

  async start(): Promise<() => void> {
    const { signal } = this.#watching;
    let looked: Promise<void> | undefined;
    const unwatch = await this.#options.client.watch(kafkaClusterKind, this.#watching, (clusters) => {
      this.#judged = clusters.map(judge);
      if (this.#judged.some(({ spec }) => spec?.strimzi !== undefined)) this.#opening ??= this.#open();
      looked = this.#bindings.want(this.#judged.flatMap((judged) => bindingOf(judged) ?? []));
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
    const { client, checkMs } = this.#options;
    const { namespaces } = this.#watching;
    const view = await openStrimziView({ client, namespaces, checkMs, onChange: () => this.#tell() });
    if (this.#isStopped) view.stop();
    else this.#view = view;
    this.#tell();
  }

  #tell(): void {
    if (!this.#isTold || this.#isStopped) return;
    this.#onChange(this.#judged.map((judged) => this.#resolved(judged)));
  }

  #resolved(judged: Judged): Resource {
    const resolution = this.#resolution(judged);
    return resolution === undefined ? judged.cluster : withResolution(judged.cluster, resolution);
  }

  #resolution(judged: Judged): Resolution | undefined {
    const binding = bindingOf(judged);
    if (binding !== undefined) return this.#bindings.resolution(binding);
    const strimzi = judged.spec?.strimzi;
    if (strimzi === undefined) return undefined;
    const lookup = this.#view?.lookup ?? { kind: 'unread', why: 'not yet' };
    return resolveStrimzi(strimzi, judged.cluster.metadata.namespace ?? '', lookup);
  }
}

function judge(cluster: Resource): Judged {
  const { apiVersion, kind, metadata, spec } = cluster;
  const { name, namespace } = metadata;
  const verdict = validateKafkaCluster({ apiVersion, kind, metadata: { name, namespace }, spec });
  return { cluster, spec: verdict.kind === 'right' ? verdict.cluster.spec : undefined };
}

function bindingOf({ cluster, spec }: Judged): BindingPlace | undefined {
  const secretName = spec?.binding?.secretName;
  return secretName === undefined ? undefined : { namespace: cluster.metadata.namespace ?? '', secretName };
}
