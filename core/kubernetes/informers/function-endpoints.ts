// Watches EndpointSlices for the ready pods of functions, so that requests go directly to the pods. One watch serves all triggers whose
// Service the controller has made; each Service that triggers name has its own watch.
import type { Resource, ResourceWatch } from '../../contract/kubernetes-client.ts';
import { endpointSliceKind } from '../../resources/kinds.ts';
import type { Endpoint, EndpointSource } from '../../contract/endpoint-source.ts';
import { readyEndpoints } from './endpoint-slices.ts';

export interface KubernetesEndpointsOptions {
  readonly resources: ResourceWatch;
  /** Absent: all namespaces. */
  readonly namespaces?: readonly string[] | undefined;
}

export interface KubernetesEndpoints extends EndpointSource {
  /** Ends all watches. */
  close(): void;
}

/** Label of a trigger's own Service, copied to its EndpointSlices, with the name of the trigger. */
const triggerLabel = 'millrace.dev/trigger';
const serviceLabel = 'kubernetes.io/service-name';
/** How long a watch without followers goes on, in ms, because a trigger that changes is stopped before it starts again. */
const lingerMs = 30_000;

export function createKubernetesEndpoints(options: KubernetesEndpointsOptions): KubernetesEndpoints {
  const watches = new Map<string, SliceWatch>();
  const ending = new AbortController();
  const open = (labelSelector: string, namespaces: readonly string[] | undefined): SliceWatch => {
    const key = `${namespaces?.join() ?? '*'} ${labelSelector}`;
    let found = watches.get(key);
    if (found === undefined) {
      found = new SliceWatch(() => watches.delete(key));
      watches.set(key, found);
      found.start(options.resources, { labelSelector, namespaces }, ending.signal);
    }
    return found;
  };
  return {
    watch: ({ namespace, name, function: { target, port } }, onChange) => {
      switch (target.kind) {
        case 'uri':
          onChange([{ origin: new URL(target.uri).origin }]);
          return () => undefined;
        case 'service': {
          const found = open(`${serviceLabel}=${target.name}`, [namespace]);
          return found.follow((slices) => readyEndpoints(slices(), port), onChange);
        }
        case 'ref': {
          const found = open(triggerLabel, options.namespaces);
          return found.follow((_all, own) => readyEndpoints(own(`${namespace}/${name}`), port), onChange);
        }
      }
    },
    close: () => ending.abort(),
  };
}

type Select = (all: () => readonly Resource[], own: (trigger: string) => readonly Resource[]) => Endpoint[];

interface Follower {
  readonly select: Select;
  readonly onChange: (ready: readonly Endpoint[]) => void;
  /** The origins of the last call of `onChange`. */
  lastOrigins: string | undefined;
}

/** One watch of the slices that match a selector, for all its followers. */
class SliceWatch {
  readonly #onEnd: () => void;
  readonly #ending = new AbortController();
  readonly #followers = new Set<Follower>();
  #slices: readonly Resource[] | undefined;
  #byTrigger = new Map<string, Resource[]>();
  #timer: NodeJS.Timeout | undefined;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  start(
    resources: ResourceWatch,
    options: { labelSelector: string; namespaces: readonly string[] | undefined },
    signal: AbortSignal,
  ): void {
    const either = AbortSignal.any([signal, this.#ending.signal]);
    resources
      .watch(endpointSliceKind, { ...options, signal: either }, (slices) => this.#setSlices(slices))
      // A watch retries all failures. It rejects only if it is stopped.
      .catch(() => undefined);
  }

  follow(select: Select, onChange: Follower['onChange']): () => void {
    const follower: Follower = { select, onChange, lastOrigins: undefined };
    clearTimeout(this.#timer);
    this.#followers.add(follower);
    this.#notify(follower);
    return () => {
      this.#followers.delete(follower);
      if (this.#followers.size === 0) this.#timer = setTimeout(() => this.#end(), lingerMs).unref();
    };
  }

  #setSlices(slices: readonly Resource[]): void {
    this.#slices = slices;
    this.#byTrigger = Map.groupBy(slices, triggerOf);
    for (const follower of this.#followers) this.#notify(follower);
  }

  #notify(follower: Follower): void {
    const slices = this.#slices;
    if (slices === undefined) return;
    const ready = follower.select(
      () => slices,
      (trigger) => this.#byTrigger.get(trigger) ?? [],
    );
    const origins = ready.map(({ origin }) => origin).join();
    if (origins === follower.lastOrigins) return;
    follower.lastOrigins = origins;
    follower.onChange(ready);
  }

  #end(): void {
    this.#ending.abort();
    this.#onEnd();
  }
}

function triggerOf({ metadata: { namespace = '', labels } }: Resource): string {
  return `${namespace}/${labels?.[triggerLabel] ?? ''}`;
}
