// Watches KafkaClusters, and resolves those that name a Strimzi Kafka or a Service Binding to brokers and credentials.
// All other kinds are watched as they are. Resources of Strimzi are read only once a KafkaCluster names Strimzi.
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

/** `spec` is undefined if the KafkaCluster has mistakes. It is then passed on as it is, and its mistakes are reported later. */
interface ValidatedCluster {
  readonly cluster: Resource;
  readonly spec: FilledKafkaCluster['spec'] | undefined;
}

class ResolvedClusters {
  readonly #options: ResolvedClustersOptions;
  readonly #watching: WatchOptions;
  readonly #onChange: (all: readonly Resource[]) => void;
  #clusters: readonly ValidatedCluster[] = [];
  readonly #bindings: BindingView;
  #view: StrimziView | undefined;
  #opening: Promise<void> | undefined;
  #isStarted = false;
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
    this.#bindings = new BindingView({ secrets, checkMs, onChange: () => this.#notify() });
  }

  async start(): Promise<() => void> {
    const { signal } = this.#watching;
    let bindingsRead: Promise<void> | undefined;
    const unwatch = await this.#options.client.watch(kafkaClusterKind, this.#watching, (clusters) => {
      this.#clusters = clusters.map(validate);
      if (this.#clusters.some(({ spec }) => spec?.strimzi !== undefined)) this.#opening ??= this.#open();
      bindingsRead = this.#bindings.follow(this.#clusters.flatMap((cluster) => bindingOf(cluster) ?? []));
      this.#notify();
    });
    const stop = (): void => {
      unwatch();
      this.#stop();
    };
    signal?.addEventListener('abort', stop, { once: true });
    await Promise.all([this.#opening, bindingsRead]);
    if (signal?.aborted === true) {
      stop();
      signal.throwIfAborted();
    }
    this.#isStarted = true;
    this.#notify();
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
    const view = await openStrimziView({ client, namespaces, checkMs, onChange: () => this.#notify() });
    if (this.#isStopped) view.stop();
    else this.#view = view;
    this.#notify();
  }

  #notify(): void {
    if (!this.#isStarted || this.#isStopped) return;
    this.#onChange(this.#clusters.map((validated) => this.#resolved(validated)));
  }

  #resolved(validated: ValidatedCluster): Resource {
    const resolution = this.#resolution(validated);
    return resolution === undefined ? validated.cluster : withResolution(validated.cluster, resolution);
  }

  #resolution(validated: ValidatedCluster): Resolution | undefined {
    const binding = bindingOf(validated);
    if (binding !== undefined) return this.#bindings.resolution(binding);
    const strimzi = validated.spec?.strimzi;
    if (strimzi === undefined) return undefined;
    const lookup = this.#view?.lookup ?? { kind: 'unread', why: 'not read yet' };
    return resolveStrimzi(strimzi, validated.cluster.metadata.namespace ?? '', lookup);
  }
}

function validate(cluster: Resource): ValidatedCluster {
  const { apiVersion, kind, metadata, spec } = cluster;
  const { name, namespace } = metadata;
  const verdict = validateKafkaCluster({ apiVersion, kind, metadata: { name, namespace }, spec });
  return { cluster, spec: verdict.kind === 'right' ? verdict.cluster.spec : undefined };
}

function bindingOf({ cluster, spec }: ValidatedCluster): BindingPlace | undefined {
  const secretName = spec?.binding?.secretName;
  return secretName === undefined ? undefined : { namespace: cluster.metadata.namespace ?? '', secretName };
}
