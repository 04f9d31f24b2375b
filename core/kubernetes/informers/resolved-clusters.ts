// Watches KafkaClusters, and resolves those that name a Strimzi Kafka or a Service Binding to brokers and credentials.
// All other kinds are watched as they are. Resources of Strimzi are read only once a KafkaCluster names Strimzi.
import { withResolution, type Resolution } from '../../resources/cluster-resolution.ts';
import { validateKafkaCluster } from '../../resources/kafka-cluster.ts';
import type { FilledKafkaCluster } from '../../resources/schema/kafka-cluster-schema.ts';
import { kafkaClusterKind } from '../../resources/kinds.ts';
import type {
  KubernetesClient,
  Resource,
  ResourceChange,
  ResourceKind,
  ResourceWatch,
  WatchOptions,
} from '../../contract/kubernetes-client.ts';
import type { SecretReader } from '../../contract/secret-reader.ts';
import { ResourceCache } from '../resource-cache.ts';
import { resolveStrimzi } from '../strimzi/strimzi-kafka.ts';
import { BindingView, type BindingPlace } from '../strimzi/binding-view.ts';
import { openStrimziView, type StrimziView } from '../strimzi/strimzi-view.ts';
import { keyOf } from './resource-map.ts';

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

/** What a KafkaCluster must be resolved by. A KafkaCluster with mistakes is passed on as it is, and its mistakes are reported later. */
type Way =
  | { readonly kind: 'strimzi'; readonly strimzi: NonNullable<FilledKafkaCluster['spec']['strimzi']> }
  | { readonly kind: 'binding'; readonly binding: BindingPlace };

class ResolvedClusters {
  readonly #options: ResolvedClustersOptions;
  readonly #watching: WatchOptions;
  readonly #onChange: (changes: readonly ResourceChange[]) => void;
  /** By key: the KafkaClusters that must be resolved, as they were written. */
  readonly #unresolved = new Map<string, { readonly cluster: Resource; readonly way: Way }>();
  /** As they are passed on. */
  readonly #resolved = new ResourceCache();
  readonly #bindings: BindingView;
  #view: StrimziView | undefined;
  #opening: Promise<void> | undefined;
  #isStarted = false;
  #isStopped = false;

  constructor(
    options: ResolvedClustersOptions,
    watching: WatchOptions,
    onChange: (changes: readonly ResourceChange[]) => void,
  ) {
    this.#options = options;
    this.#watching = watching;
    this.#onChange = onChange;
    const { secrets, checkMs } = options;
    this.#bindings = new BindingView({ secrets, checkMs, onChange: () => this.#resolveAgain() });
  }

  async start(): Promise<() => void> {
    const { signal } = this.#watching;
    let bindingsRead: Promise<void> | undefined;
    const unwatch = await this.#options.client.watch(kafkaClusterKind, this.#watching, (changes) => {
      for (const change of changes) this.#take(change);
      const ways = [...this.#unresolved.values()].map(({ way }) => way);
      if (ways.some(({ kind }) => kind === 'strimzi')) this.#opening ??= this.#open();
      bindingsRead = this.#bindings.follow(
        ways.flatMap((way) => (way.kind === 'binding' ? way.binding : [])),
      );
      this.#report();
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
    this.#resolveAgain();
    return stop;
  }

  #take({ before, after }: ResourceChange): void {
    if (after === undefined) {
      if (before === undefined) return;
      this.#unresolved.delete(keyOf(before));
      this.#resolved.delete(before);
      return;
    }
    const way = wayOf(after);
    if (way === undefined) {
      this.#unresolved.delete(keyOf(after));
      this.#resolved.set(after);
    } else {
      this.#unresolved.set(keyOf(after), { cluster: after, way });
      this.#resolved.set(withResolution(after, this.#resolution(after, way)));
    }
  }

  #resolveAgain(): void {
    for (const { cluster, way } of this.#unresolved.values())
      this.#resolved.set(withResolution(cluster, this.#resolution(cluster, way)));
    this.#report();
  }

  /** The first report may be empty: it says that all KafkaClusters are known. */
  #report(): void {
    if (!this.#isStarted || this.#isStopped) return;
    this.#onChange(this.#resolved.takeChanges());
  }

  #stop(): void {
    this.#isStopped = true;
    this.#view?.stop();
    this.#bindings.stop();
  }

  async #open(): Promise<void> {
    const { client, checkMs } = this.#options;
    const { namespaces } = this.#watching;
    const view = await openStrimziView({ client, namespaces, checkMs, onChange: () => this.#resolveAgain() });
    if (this.#isStopped) view.stop();
    else this.#view = view;
    this.#resolveAgain();
  }

  #resolution({ metadata: { namespace = '' } }: Resource, way: Way): Resolution {
    if (way.kind === 'binding') return this.#bindings.resolution(way.binding);
    const lookup = this.#view?.lookup ?? { kind: 'unread', why: 'not read yet' };
    return resolveStrimzi(way.strimzi, namespace, lookup);
  }
}

/** Undefined if there is nothing to resolve. */
function wayOf({ apiVersion, kind, metadata: { name, namespace }, spec }: Resource): Way | undefined {
  const verdict = validateKafkaCluster({ apiVersion, kind, metadata: { name, namespace }, spec });
  if (verdict.kind !== 'right') return undefined;
  const { strimzi, binding } = verdict.cluster.spec;
  if (binding !== undefined)
    return { kind: 'binding', binding: { namespace: namespace ?? '', secretName: binding.secretName } };
  return strimzi && { kind: 'strimzi', strimzi };
}
