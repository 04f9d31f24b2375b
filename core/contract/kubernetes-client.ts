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
  /** Ends the watch. If it still waits for its first list, `watch` rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reports all resources of a kind: when they are first listed, then the whole list again after each change; changes at the same moment are
 * reported once. `watch` resolves after the first list, which is retried until it succeeds. Later, while the API server is unreachable, no
 * changes are reported. The function that `watch` returns stops it; nothing is reported after that.
 */
export interface ResourceWatch {
  watch(
    kind: ResourceKind,
    options: WatchOptions,
    onChange: (all: readonly Resource[]) => void,
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

export interface RemoveOptions {
  /** Removes the resource only if it has this uid. If another one has taken its name: MILLRACE_KUBERNETES_CONFLICT. */
  readonly uid?: string;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
}

/**
 * Reads and writes resources. Every request ends within 10 s. It rejects with MILLRACE_KUBERNETES_UNREACHABLE if no answer came, with
 * _FORBIDDEN and the missing right, with _MISSING if the resource or its kind does not exist, with _CONFLICT if the resource belongs to
 * another or has changed, with _INVALID if the API server refuses the content, and with _FAILED otherwise.
 */
export interface KubernetesClient extends ResourceWatch {
  /** The namespace of this process: that of the pod, or of the context in the kubeconfig. */
  readonly namespace: string | undefined;
  /** Undefined if the resource, or its kind, does not exist. Here and below, `namespace` is empty for a kind that is not namespaced. */
  get(kind: ResourceKind, namespace: string, name: string): Promise<Resource | undefined>;
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

/** Reads the logs of containers. */
export interface PodLogs {
  /**
   * The lines of the log of a pod with one container, from the first line that is retained. It ends after the container's last line, or
   * earlier if the connection closes or `signal` aborts. It rejects as KubernetesClient does: with _INVALID before the container has
   * started, with _MISSING if the pod is gone.
   */
  follow(namespace: string, pod: string, signal: AbortSignal): AsyncIterable<string>;
}
