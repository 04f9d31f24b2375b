// List, then watch, for ever: what is known of a kind stays whole and current, whatever the API server does meanwhile.
//
//   list ──ok──► watch from its version ──ended──► watch from the last version
//    ▲ fails: again after a pause     │ 410 Gone: that version is forgotten
//    └────────────────────────────────┘
//
// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
import { setTimeout as delay } from 'node:timers/promises';
import { describeError, MillraceError } from '../contract/errors.ts';
import type { Resource, ResourceKind, WatchOptions } from '../contract/kubernetes-client.ts';
import { backoffMs } from './backoff.ts';
import { readLines } from './lines.ts';
import { withoutManagedFields, listAll, type ListPlace } from './list.ts';
import { describePlace } from './resource-paths.ts';
import type { Requests } from './api-requests.ts';

export interface WatchSettings {
  /** A watch or its list fails; it is tried again. Told once for the same cause, until it has passed. */
  readonly onTrouble?: ((error: MillraceError) => void) | undefined;
  /** What was told to `onTrouble` has passed. */
  readonly onRecovery?: ((what: string) => void) | undefined;
  /** So long a watch is asked for at most before it is asked anew: one that has silently died is noticed then. */
  readonly watchSeconds?: number | undefined;
}

const defaultWatchSeconds = 60;
/** The API server ends a watch at its time; one that it has not ended so much later, in ms, is dead. */
const graceMs = 10_000;
/** A watch that ends before, in ms, was none: it is not asked for again at once. */
const shortestMs = 1_000;

/** One watch in each of `options.namespaces`, told as one. */
export async function watchAll(
  requests: Requests,
  kind: ResourceKind,
  { namespaces, signal, ...selectors }: WatchOptions,
  onChange: (all: readonly Resource[]) => void,
  settings: WatchSettings,
): Promise<() => void> {
  const ending = new AbortController();
  const either = signal === undefined ? ending.signal : AbortSignal.any([ending.signal, signal]);
  const tell = coalesce(() => {
    if (!either.aborted) onChange(parts.flatMap((part) => part.all()));
  });
  const parts = (namespaces ?? [undefined]).map(
    (namespace) => new KindWatch(requests, { ...kind, namespace }, selectors, settings, either),
  );
  await Promise.all(parts.map((part) => part.start(tell)));
  either.throwIfAborted();
  tell.now();
  return () => ending.abort();
}

/** Runs `work` once for all calls of one turn of the event loop; nothing before the first `now`. */
function coalesce(work: () => void): (() => void) & { now(): void } {
  let isDue = true;
  const call = (): void => {
    if (isDue) return;
    isDue = true;
    setImmediate(() => call.now());
  };
  call.now = (): void => {
    isDue = false;
    work();
  };
  return call;
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: Resource & { readonly code?: number; readonly message?: string };
}

class KindWatch {
  readonly #requests: Requests;
  readonly #place: ListPlace;
  readonly #selectors: Pick<WatchOptions, 'labelSelector' | 'fieldSelector'>;
  readonly #settings: WatchSettings;
  readonly #signal: AbortSignal;
  #known = new Map<string, Resource>();
  /** Undefined: to be listed. */
  #version: string | undefined;
  #failures = 0;
  #told: string | undefined;
  #onChange: () => void = () => undefined;

  constructor(
    requests: Requests,
    place: ListPlace,
    selectors: Pick<WatchOptions, 'labelSelector' | 'fieldSelector'>,
    settings: WatchSettings,
    signal: AbortSignal,
  ) {
    this.#requests = requests;
    this.#place = place;
    this.#selectors = selectors;
    this.#settings = settings;
    this.#signal = signal;
  }

  all(): readonly Resource[] {
    return [...this.#known.values()];
  }

  /** Resolves after the first list; rejects only when it is ended before. */
  async start(onChange: () => void): Promise<void> {
    this.#onChange = onChange;
    while (this.#version === undefined) {
      this.#signal.throwIfAborted();
      await this.#attempt(() => this.#list());
    }
    void this.#follow();
  }

  async #follow(): Promise<void> {
    while (!this.#signal.aborted) {
      const version = this.#version;
      await this.#attempt(() => (version === undefined ? this.#list() : this.#watch(version)));
    }
  }

  /** What fails is told, and followed by a pause. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#failures += 1;
      this.#tellTrouble(error);
      await delay(backoffMs(this.#failures), undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }

  async #list(): Promise<void> {
    const { items, resourceVersion } = await listAll(this.#requests, this.#place, this.#selectors);
    this.#known = new Map(items.map((item) => [keyOf(item), item]));
    this.#version = resourceVersion;
    this.#failures = 0;
    this.#tellRecovery();
    this.#onChange();
  }

  async #watch(version: string): Promise<void> {
    const seconds = Math.ceil(
      (this.#settings.watchSeconds ?? defaultWatchSeconds) * (0.75 + Math.random() / 2),
    );
    const query = {
      ...this.#selectors,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: version,
      timeoutSeconds: String(seconds),
    };
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), seconds * 1_000 + graceMs);
    const startMs = performance.now();
    try {
      const either = AbortSignal.any([this.#signal, silence.signal]);
      const body = await this.#requests.stream({ verb: 'watch', place: this.#place, query }, either);
      this.#tellRecovery();
      for await (const line of readLines(body)) {
        this.#failures = 0;
        if (!this.#take(JSON.parse(line) as WatchEvent)) return;
      }
    } catch (error) {
      // No answer says nothing of the version; an answer may mean that it is gone (410), which a list mends.
      if (error instanceof MillraceError && error.code !== 'MILLRACE_KUBERNETES_UNREACHABLE')
        this.#version = undefined;
      throw error;
    } finally {
      clearTimeout(timer);
    }
    if (performance.now() - startMs < shortestMs) throw this.#brokenOff('ended at once');
    this.#failures = 0;
  }

  /** Whether there may be more to come. */
  #take({ type, object }: WatchEvent): boolean {
    if (type === 'ERROR') {
      // Gone: the version is too old to go on from (410). Whatever else it may be, a list mends it too.
      this.#version = undefined;
      return false;
    }
    this.#version = object.metadata.resourceVersion ?? this.#version;
    if (type === 'BOOKMARK') return true;
    if (type === 'DELETED') this.#known.delete(keyOf(object));
    else this.#known.set(keyOf(object), withoutManagedFields(object, this.#place));
    this.#onChange();
    return true;
  }

  /** Told once for the same cause; that a connection broke, only where the next one does not come about either. */
  #tellTrouble(error: unknown): void {
    const coded = error instanceof MillraceError ? error : this.#brokenOff('broke off', error);
    const text = describeError(coded);
    const mayPass = coded.code === 'MILLRACE_KUBERNETES_UNREACHABLE' && this.#failures === 1;
    if (text === this.#told || mayPass) return;
    this.#told = text;
    this.#settings.onTrouble?.(coded);
  }

  #tellRecovery(): void {
    if (this.#told === undefined) return;
    this.#told = undefined;
    this.#settings.onRecovery?.(this.#place.plural);
  }

  #brokenOff(how: string, cause?: unknown): MillraceError {
    const message = `the watch of ${describePlace(this.#place)} ${how}`;
    return new MillraceError('MILLRACE_KUBERNETES_UNREACHABLE', message, { cause });
  }
}

function keyOf({ metadata }: Resource): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
