// The port to the API server of Kubernetes: resources as they are, without a type per kind. core/kubernetes implements it.

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

/** A kind, in namespaces but for those that say otherwise; `plural` is what it is called in URLs and in rights: `triggers`. */
export interface ResourceKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
}

export interface ListOptions {
  /** Absent: all of them, which takes a ClusterRole. */
  readonly namespaces?: readonly string[] | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface WatchOptions extends ListOptions {
  /** Ends the watch, also one that waits for its first list: `watch` then rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Tells all resources of a kind: at once when they are listed, then whole again after each change, several changes of one
 * moment as one. `watch` resolves after the first list; one that fails is tried again until it succeeds. Later an API server
 * that is away only means no news. Returns how to stop; nothing is told after that.
 */
export interface ResourceWatch {
  watch(
    kind: ResourceKind,
    options: WatchOptions,
    onChange: (all: readonly Resource[]) => void,
  ): Promise<() => void>;
}

export interface ApplyOptions {
  /** Who owns the fields that are applied. */
  readonly fieldManager: string;
  /** Takes fields away from other managers, instead of MILLRACE_KUBERNETES_CONFLICT. */
  readonly force?: boolean;
  /** Applies the status and nothing else; the resource must be there. */
  readonly subresource?: 'status';
}

export interface RemoveOptions {
  /** Removes it only where it is this one: MILLRACE_KUBERNETES_CONFLICT where another has taken its name. */
  readonly uid?: string;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
}

/**
 * Reads and writes resources. Every request ends within 10 s. It rejects with MILLRACE_KUBERNETES_UNREACHABLE where no answer
 * came, _FORBIDDEN with the right that is lacking, _MISSING where the resource or its kind is not there, _CONFLICT where it is
 * another's or has changed, _INVALID where the API server refuses what it was given, _FAILED for the rest.
 */
export interface KubernetesClient extends ResourceWatch {
  /** The own namespace: of the pod, or of the context in the kubeconfig. */
  readonly namespace: string | undefined;
  /** Undefined where it, or its kind, is not there. For a kind that is in no namespace, here and below, `namespace` is empty. */
  get(kind: ResourceKind, namespace: string, name: string): Promise<Resource | undefined>;
  list(kind: ResourceKind, options?: ListOptions): Promise<Resource[]>;
  /** Server-side apply: creates it, or changes the fields that are named and drops those that were named before. */
  apply(resource: Resource, options: ApplyOptions): Promise<Resource>;
  /** MILLRACE_KUBERNETES_CONFLICT where it is there already. */
  create(resource: Resource): Promise<Resource>;
  /** Whole, but for the status; MILLRACE_KUBERNETES_CONFLICT where it is not at `metadata.resourceVersion` any more. */
  replace(resource: Resource): Promise<Resource>;
  /** JSON merge patch (RFC 7386); MILLRACE_KUBERNETES_MISSING where it is not there. */
  patch(kind: ResourceKind, namespace: string, name: string, merge: object): Promise<Resource>;
  /** One that is gone already is fine. One with finalizers goes when the last of them does. */
  remove(kind: ResourceKind, namespace: string, name: string, options?: RemoveOptions): Promise<void>;
  /** Whether the API server serves the kind: `keda.sh/v1alpha1`, `ScaledObject`. */
  hasKind(apiVersion: string, kind: string): Promise<boolean>;
}

/** Reads what the containers of pods write. */
export interface PodLogs {
  /**
   * The lines of the log of a pod with one container, from the first that is kept; ends after the container's last line, or sooner where the
   * connection is closed, or when `signal` aborts. Rejects as KubernetesClient does: with _INVALID before the container has started, with
   * _MISSING when the pod is gone.
   */
  follow(namespace: string, pod: string, signal: AbortSignal): AsyncIterable<string>;
}
