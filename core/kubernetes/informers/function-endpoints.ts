// Watches EndpointSlices for the ready pods of functions, so that requests go directly to the pods. One watch serves all triggers whose
// Service the controller has made, and one more all Services that triggers name.
import type { Resource, ResourceChange, ResourceWatch } from '../../contract/kubernetes-client.ts';
import { endpointSliceKind } from '../../resources/kinds.ts';
import type { EndpointSource, RefusedEndpoint } from '../../contract/endpoint-source.ts';
import { labelValueOf } from '../../resources/derived-names.ts';
import {
  onlyEndpoints,
  readyEndpoints,
  serviceLabel,
  triggerLabel,
  type FoundEndpoints,
  type WhyRefused,
} from './endpoint-slices.ts';
import { keyOf } from './resource-map.ts';

export interface KubernetesEndpointsOptions {
  readonly resources: ResourceWatch;
  /** Absent: all namespaces. */
  readonly namespaces?: readonly string[] | undefined;
  /** Which addresses tenants may not use. Default: they may use all. */
  readonly whyRefused?: WhyRefused | undefined;
  /** Called once for each endpoint of a trigger that is refused, and again if it comes back after it was gone. */
  readonly onRefused?: ((trigger: string, endpoint: RefusedEndpoint) => void) | undefined;
}

export interface KubernetesEndpoints extends EndpointSource {
  /** Ends all watches. */
  close(): void;
}

/** How long a watch without followers goes on, in ms, because a trigger that changes is stopped before it starts again. */
const lingerMs = 30_000;

export function createKubernetesEndpoints(options: KubernetesEndpointsOptions): KubernetesEndpoints {
  const { resources, namespaces, whyRefused, onRefused } = options;
  const ending = new AbortController();
  const watchBy = (label: string): SliceWatch =>
    new SliceWatch(label, (signal, onChange) =>
      resources.watch(
        endpointSliceKind,
        {
          namespaces,
          labelSelector: label,
          transform: onlyEndpoints,
          signal: AbortSignal.any([signal, ending.signal]),
        },
        onChange,
      ),
    );
  const [ofTriggers, ofServices] = [watchBy(triggerLabel), watchBy(serviceLabel)];
  return {
    watch: ({ key, namespace, name, function: { target, port } }, tell) => {
      const follower = {
        find: (slices: readonly Resource[]) => readyEndpoints(slices, port, whyRefused),
        onChange: tellingRefused(tell, (endpoint) => onRefused?.(key, endpoint)),
      };
      switch (target.kind) {
        case 'uri':
          tell([{ origin: new URL(target.uri).origin }]);
          return () => undefined;
        case 'service':
          return ofServices.follow(`${namespace}/${target.name}`, follower);
        case 'ref':
          return ofTriggers.follow(`${namespace}/${labelValueOf(name)}`, follower);
      }
    },
    close: () => ending.abort(),
  };
}

type OnFound = (found: FoundEndpoints) => void;

/** Passes on what is found, and each endpoint that is refused and was not before. */
function tellingRefused(
  tell: Parameters<EndpointSource['watch']>[1],
  onRefused: (endpoint: RefusedEndpoint) => void,
): OnFound {
  let known = new Set<string>();
  return ({ ready, refused }) => {
    for (const endpoint of refused) if (!known.has(endpoint.address)) onRefused(endpoint);
    known = new Set(refused.map(({ address }) => address));
    tell(ready, refused);
  };
}

interface Follower {
  readonly find: (slices: readonly Resource[]) => FoundEndpoints;
  readonly onChange: OnFound;
  /** What the last call of `onChange` told. */
  last?: string;
}

type StartWatch = (
  signal: AbortSignal,
  onChange: (changes: readonly ResourceChange[]) => void,
) => Promise<unknown>;

/** The EndpointSlices that have a label, by its value, for all their followers. It watches while it has followers. */
class SliceWatch {
  readonly #label: string;
  readonly #start: StartWatch;
  readonly #followers = new Map<string, Set<Follower>>();
  /** By `namespace/value of the label`, and by `namespace/name` of the slice. */
  readonly #slices = new Map<string, Map<string, Resource>>();
  #isSynced = false;
  #watching: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(label: string, start: StartWatch) {
    this.#label = label;
    this.#start = start;
  }

  follow(key: string, { find, onChange }: Follower): () => void {
    clearTimeout(this.#timer);
    this.#watching ??= this.#watch();
    const follower: Follower = { find, onChange };
    const beside = this.#followers.get(key) ?? new Set();
    this.#followers.set(key, beside.add(follower));
    if (this.#isSynced) this.#notify(key, [follower]);
    return () => {
      beside.delete(follower);
      if (beside.size === 0 && this.#followers.get(key) === beside) this.#followers.delete(key);
      if (this.#followers.size === 0) this.#timer = setTimeout(() => this.#end(), lingerMs).unref();
    };
  }

  #watch(): AbortController {
    const watching = new AbortController();
    this.#start(watching.signal, (changes) => this.#update(changes))
      // A watch retries all failures. It rejects only if it is stopped.
      .catch(() => undefined);
    return watching;
  }

  #update(changes: readonly ResourceChange[]): void {
    const affected = new Set<string>();
    for (const { before, after } of changes) {
      if (before !== undefined) affected.add(this.#remove(before));
      if (after !== undefined) affected.add(this.#add(after));
    }
    const keys = this.#isSynced ? affected : this.#followers.keys();
    this.#isSynced = true;
    for (const key of keys) this.#notify(key, this.#followers.get(key) ?? []);
  }

  #add(slice: Resource): string {
    const key = this.#keyFor(slice);
    const beside = this.#slices.get(key) ?? new Map<string, Resource>();
    this.#slices.set(key, beside.set(keyOf(slice), slice));
    return key;
  }

  #remove(slice: Resource): string {
    const key = this.#keyFor(slice);
    const beside = this.#slices.get(key);
    beside?.delete(keyOf(slice));
    if (beside?.size === 0) this.#slices.delete(key);
    return key;
  }

  #keyFor({ metadata: { namespace = '', labels } }: Resource): string {
    return `${namespace}/${labels?.[this.#label] ?? ''}`;
  }

  #notify(key: string, followers: Iterable<Follower>): void {
    const slices = [...(this.#slices.get(key)?.values() ?? [])];
    for (const follower of [...followers]) {
      const found = follower.find(slices);
      const text = JSON.stringify(found);
      if (text === follower.last) continue;
      follower.last = text;
      follower.onChange(found);
    }
  }

  #end(): void {
    this.#watching?.abort();
    this.#watching = undefined;
    this.#isSynced = false;
    this.#slices.clear();
  }
}
