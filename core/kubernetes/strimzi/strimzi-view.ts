// Watches the Kafkas and KafkaUsers of Strimzi, in the version that the API server serves. Strimzi may be installed, upgraded or removed at
// any time, so the served version is polled. If a poll fails, what is known stays.
import { describeError } from '../../contract/errors.ts';
import type { KubernetesClient, ListOptions, ResourceKind } from '../../contract/kubernetes-client.ts';
import { ResourceMap } from '../informers/resource-map.ts';
import { strimziGroup, strimziVersions, type StrimziLookup } from './strimzi-kafka.ts';

export interface StrimziViewOptions {
  readonly client: Pick<KubernetesClient, 'watch' | 'list' | 'hasKind'>;
  /** Absent: all namespaces. */
  readonly namespaces: readonly string[] | undefined;
  readonly onChange: () => void;
  /** Milliseconds between two polls of the served version; 15,000 when absent. */
  readonly checkMs?: number | undefined;
}

export interface StrimziView {
  readonly lookup: StrimziLookup;
  stop(): void;
}

interface Kinds {
  readonly kafkas: ResourceKind;
  readonly users: ResourceKind;
}

/** Resolves after the first poll. */
export async function openStrimziView(options: StrimziViewOptions): Promise<StrimziView> {
  const view = new WatchedStrimzi(options);
  await view.start();
  return view;
}

class WatchedStrimzi implements StrimziView {
  lookup: StrimziLookup = { kind: 'unread', why: 'not read yet' };
  readonly #options: StrimziViewOptions;
  readonly #stopped = new AbortController();
  #version: string | undefined;
  #watching: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StrimziViewOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    try {
      await this.#follow(await this.#served());
    } catch (error) {
      if (this.lookup.kind !== 'read') this.lookup = { kind: 'unread', why: describeError(error) };
    }
    if (this.#stopped.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#again(), this.#options.checkMs ?? 15_000);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped.abort();
    this.#watching?.abort();
  }

  async #again(): Promise<void> {
    const before = this.lookup;
    await this.start();
    if (this.lookup !== before && !this.#stopped.signal.aborted) this.#options.onChange();
  }

  async #served(): Promise<string | undefined> {
    for (const version of strimziVersions)
      if (await this.#options.client.hasKind(`${strimziGroup}/${version}`, 'Kafka')) return version;
    return undefined;
  }

  async #follow(version: string | undefined): Promise<void> {
    if (version === undefined) {
      this.#leave();
      if (this.lookup.kind !== 'absent') this.lookup = { kind: 'absent' };
      return;
    }
    if (version === this.#version && this.lookup.kind === 'read') return;
    const { client, namespaces } = this.#options;
    const { kafkas, users } = kindsOf(version);
    // Without the right to list, a watch would retry for ever. This list fails instead, and its error names the right.
    await Promise.all([client.list(kafkas, { namespaces }), client.list(users, { namespaces })]);
    await this.#watch(version, { namespaces });
  }

  #leave(): void {
    this.#watching?.abort();
    this.#version = undefined;
  }

  async #watch(version: string, where: ListOptions): Promise<void> {
    this.#leave();
    const watching = (this.#watching = new AbortController());
    if (this.#stopped.signal.aborted) return;
    const { signal } = watching;
    const known = { kafkas: new ResourceMap(), users: new ResourceMap() };
    const watches = Object.entries(kindsOf(version)) as [keyof Kinds, ResourceKind][];
    let isComplete = false;
    const update = (): void => {
      if (!isComplete || signal.aborted) return;
      this.lookup = lookupOf(known);
      this.#options.onChange();
    };
    const stops = await Promise.all(
      watches.map(([of, kind]) =>
        this.#options.client.watch(kind, { ...where, signal }, (changes) => {
          known[of].apply(changes);
          update();
        }),
      ),
    );
    signal.addEventListener('abort', () => stops.forEach((stop) => stop()), { once: true });
    isComplete = true;
    this.#version = version;
    this.lookup = lookupOf(known);
  }
}

function lookupOf({ kafkas, users }: Readonly<Record<keyof Kinds, ResourceMap>>): StrimziLookup {
  return { kind: 'read', kafkas: kafkas.all(), users: users.all() };
}

function kindsOf(version: string): Kinds {
  const apiVersion = `${strimziGroup}/${version}`;
  return {
    kafkas: { apiVersion, kind: 'Kafka', plural: 'kafkas' },
    users: { apiVersion, kind: 'KafkaUser', plural: 'kafkausers' },
  };
}
