// The port to the API server of Kubernetes. Resources are untyped: there is no type for each kind. core/kubernetes implements it.

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
}

export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

/** A kind of resources; `plural` is its name in URLs and rights: `triggers`. */
export interface ResourceKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
}

export interface ListOptions {
  /** Absent: all namespaces, which requires a ClusterRole. */
  readonly namespaces?: readonly string[] | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface WatchOptions extends ListOptions {
  /** Applied to each resource before it is kept, to keep less of it. Must not change its identity or its resourceVersion. */
  readonly transform?: ((resource: Resource) => Resource) | undefined;
  /** Ends the watch. If it still waits for its first list, `watch` rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

/** `before` is undefined for a resource that was added, `after` for one that was deleted. */
export interface ResourceChange {
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
}

/**
 * Reports the resources of a kind: all of them, as added, when they are first listed, and each change from then on. Changes at the same
 * moment are reported together, with one change for each resource. `watch` resolves after the first report, which is retried until it
 * succeeds. Later, while the API server is unreachable, no changes are reported. The function that `watch` returns stops it; nothing is
 * reported after that.
 */
export interface ResourceWatch {
  watch(
    kind: ResourceKind,
    options: WatchOptions,
    onChange: (changes: readonly ResourceChange[]) => void,
  ): Promise<() => void>;
}

export interface ApplyOptions {
  /** The owner of the applied fields. */
  readonly fieldManager: string;
  /** Takes fields over from other managers, instead of rejecting with MILLRACE_KUBERNETES_CONFLICT. */
  readonly force?: boolean;
  /** Applies the status and nothing else; the resource must exist. */
  readonly subresource?: 'status';
}

/** The answer of a workload's scale subresource, or why there is none. */
export type ScaleReading =
  /** `scale` is of autoscaling/v1: replicas, and the selector of the pods as a text. */
  | { readonly kind: 'found'; readonly scale: Resource }
  | { readonly kind: 'missing' }
  /** The API server does not serve the kind. */
  | { readonly kind: 'kindMissing' }
  /** The kind has no scale subresource, or is not namespaced. */
  | { readonly kind: 'notScalable' };

export interface RemoveOptions {
  /** Removes the resource only if it has this uid. If another one has taken its name: MILLRACE_KUBERNETES_CONFLICT. */
  readonly uid?: string;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
}

/**
 * Reads and writes resources. A request may wait its turn, so that no storm reaches the API server; then it ends within 10 s. It rejects with MILLRACE_KUBERNETES_UNREACHABLE if no answer came, with
 * _FORBIDDEN and the missing right, with _MISSING if the resource or its kind does not exist, with _CONFLICT if the resource belongs to
 * another or has changed, with _INVALID if the API server refuses the content, and with _FAILED otherwise.
 */
export interface KubernetesClient extends ResourceWatch {
  /** The namespace of this process: that of the pod, or of the context in the kubeconfig. */
  readonly namespace: string | undefined;
  /** Undefined if the resource, or its kind, does not exist. Here and below, `namespace` is empty for a kind that is not namespaced. */
  get(kind: ResourceKind, namespace: string, name: string): Promise<Resource | undefined>;
  /** Of a workload of any kind, whose plural name is looked up. `apiVersion` and `kind` may be anything that a user wrote. */
  readScale(kind: Omit<ResourceKind, 'plural'>, namespace: string, name: string): Promise<ScaleReading>;
  list(kind: ResourceKind, options?: ListOptions): Promise<Resource[]>;
  /** Server-side apply: creates the resource, or sets the given fields and drops those that were applied before and are not given now. */
  apply(resource: Resource, options: ApplyOptions): Promise<Resource>;
  /** MILLRACE_KUBERNETES_CONFLICT if it exists already. */
  create(resource: Resource): Promise<Resource>;
  /** Replaces the whole resource except its status. MILLRACE_KUBERNETES_CONFLICT if it is not at `metadata.resourceVersion` any more. */
  replace(resource: Resource): Promise<Resource>;
  /** JSON merge patch (RFC 7386). MILLRACE_KUBERNETES_MISSING if it does not exist. */
  patch(kind: ResourceKind, namespace: string, name: string, merge: object): Promise<Resource>;
  /** Succeeds if the resource is gone already. One with finalizers is deleted when the last of them is removed. */
  remove(kind: ResourceKind, namespace: string, name: string, options?: RemoveOptions): Promise<void>;
  /** Whether the API server serves the kind: `keda.sh/v1alpha1`, `ScaledObject`. */
  hasKind(apiVersion: string, kind: string): Promise<boolean>;
}

/** One HTTP request to the API server, when its answer begins. A request that is sent again counts again. */
export interface SentRequest {
  /** As RBAC names it: `get`, `list`, `watch`, `create`, `update`, `patch` or `delete`. */
  readonly verb: string;
  /** As RBAC names it, such as `triggers/status`; `discovery` for the list of what is served. */
  readonly plural: string;
  /** Of HTTP; undefined if no answer came. */
  readonly status: number | undefined;
  readonly seconds: number;
}

/** Reads the logs of containers. */
export interface PodLogs {
  /**
   * The lines of the log of a pod with one container, from the first line that is retained. It ends after the container's last line, or
   * earlier if the connection closes or `signal` aborts. It rejects as KubernetesClient does: with _INVALID before the container has
   * started, with _MISSING if the pod is gone.
   */
  follow(namespace: string, pod: string, signal: AbortSignal): AsyncIterable<string>;
}
