// One watch for each kind and selection, however many listeners it has: what is known of a resource is in memory once. A watch ends with its
// last listener.
import type {
  Resource,
  ResourceChange,
  ResourceKind,
  ResourceWatch,
  WatchOptions,
} from '../../contract/kubernetes-client.ts';
import { ResourceMap } from './resource-map.ts';

/** Everything but the signal, which each listener has for itself. */
type Selection = Omit<WatchOptions, 'signal'>;
type Listener = (changes: readonly ResourceChange[]) => void;

export function shareWatches(resources: ResourceWatch): ResourceWatch {
  const shared = new Set<SharedWatch>();
  return {
    watch: async (kind, { signal, ...selection }, onChange) => {
      signal?.throwIfAborted();
      let found = [...shared].find((one) => one.isOf(kind, selection));
      if (found === undefined) {
        found = new SharedWatch(kind, selection, (ended) => shared.delete(ended));
        shared.add(found);
        found.start(resources);
      }
      return found.join(onChange, signal);
    },
  };
}

class SharedWatch {
  readonly #kind: ResourceKind;
  readonly #selection: Selection;
  readonly #onEnd: (watch: SharedWatch) => void;
  readonly #ending = new AbortController();
  readonly #known = new ResourceMap();
  /** Listeners that have got their first report; `#waiting` counts the others. */
  readonly #listeners = new Set<Listener>();
  #waiting = 0;
  #synced: Promise<unknown> = Promise.resolve();

  constructor(kind: ResourceKind, selection: Selection, onEnd: (watch: SharedWatch) => void) {
    this.#kind = kind;
    this.#selection = selection;
    this.#onEnd = onEnd;
  }

  isOf({ apiVersion, kind }: ResourceKind, selection: Selection): boolean {
    const mine = this.#selection;
    return (
      apiVersion === this.#kind.apiVersion &&
      kind === this.#kind.kind &&
      mine.namespaces?.join() === selection.namespaces?.join() &&
      mine.labelSelector === selection.labelSelector &&
      mine.fieldSelector === selection.fieldSelector &&
      mine.transform === selection.transform
    );
  }

  start(resources: ResourceWatch): void {
    const { signal } = this.#ending;
    this.#synced = resources.watch(this.#kind, { ...this.#selection, signal }, (changes) => {
      this.#known.apply(changes);
      for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) listener(changes);
    });
    // Whoever joins awaits it too.
    this.#synced.catch(() => undefined);
  }

  async join(onChange: Listener, signal: AbortSignal | undefined): Promise<() => void> {
    this.#waiting += 1;
    try {
      await (signal === undefined ? this.#synced : unlessAborted(this.#synced, signal));
    } finally {
      this.#waiting -= 1;
      if (signal?.aborted === true) this.#endIfUnused();
    }
    // The caller's own function may be here twice.
    const listener: Listener = (changes) => onChange(changes);
    this.#listeners.add(listener);
    const leave = (): void => {
      signal?.removeEventListener('abort', leave);
      if (this.#listeners.delete(listener)) this.#endIfUnused();
    };
    signal?.addEventListener('abort', leave, { once: true });
    onChange(this.#known.all().map((after: Resource) => ({ before: undefined, after })));
    return leave;
  }

  #endIfUnused(): void {
    if (this.#waiting > 0 || this.#listeners.size > 0) return;
    this.#ending.abort();
    this.#known.clear();
    this.#onEnd(this);
  }
}

/** `promise`, but rejects with the reason of `signal` as soon as it aborts. */
async function unlessAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
