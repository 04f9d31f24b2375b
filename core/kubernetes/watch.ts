// Lists a kind, then watches it until it is stopped, so that what is known of it stays complete and current.
//
//   list ──ok──► watch from its version ──ended──► watch from the last version
//    ▲ fails: retried with backoff    │ 410 Gone: list again
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
  /** A list or watch failed, and is retried. Called once for the same cause, until the watch has recovered. */
  readonly onTrouble?: ((error: MillraceError) => void) | undefined;
  /** The watch of `plural` has recovered from what was reported to `onTrouble`. */
  readonly onRecovery?: ((plural: string) => void) | undefined;
  /** Maximum duration of a watch before it is requested again, so that a dead connection is noticed; 60 when absent. */
  readonly watchSeconds?: number | undefined;
}

const defaultWatchSeconds = 60;
/** The API server ends a watch on time. A watch that lasts longer than this beyond its time, in ms, is dead. */
const graceMs = 10_000;
/** A watch that ends sooner, in ms, counts as failed, so that it is not requested again at once. */
const minWatchMs = 1_000;

/** One watch in each of `options.namespaces`; `onChange` gets the resources of all. */
export async function watchAll(
  requests: Requests,
  kind: ResourceKind,
  { namespaces, signal, ...selectors }: WatchOptions,
  onChange: (all: readonly Resource[]) => void,
  settings: WatchSettings,
): Promise<() => void> {
  const ending = new AbortController();
  const either = signal === undefined ? ending.signal : AbortSignal.any([ending.signal, signal]);
  const notify = coalesce(() => {
    if (!either.aborted) onChange(parts.flatMap((part) => part.all()));
  });
  const parts = (namespaces ?? [undefined]).map(
    (namespace) => new KindWatch(requests, { ...kind, namespace }, selectors, settings, either),
  );
  await Promise.all(parts.map((part) => part.start(notify)));
  either.throwIfAborted();
  notify.now();
  return () => ending.abort();
}

/** Runs `work` once for all calls in one iteration of the event loop, and never before the first `now`. */
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
  /** Undefined: must be listed. */
  #version: string | undefined;
  #failures = 0;
  #reported: string | undefined;
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

  /** Resolves after the first list. Rejects only if it is stopped before. */
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

  /** Reports a failure of `work`, and waits for the backoff. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#failures += 1;
      this.#reportTrouble(error);
      await delay(backoffMs(this.#failures), undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }

  async #list(): Promise<void> {
    const { items, resourceVersion } = await listAll(this.#requests, this.#place, this.#selectors);
    this.#known = new Map(items.map((item) => [keyOf(item), item]));
    this.#version = resourceVersion;
    this.#failures = 0;
    this.#reportRecovery();
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
      this.#reportRecovery();
      for await (const line of readLines(body)) {
        this.#failures = 0;
        if (!this.#take(JSON.parse(line) as WatchEvent)) return;
      }
    } catch (error) {
      // Without an answer the version may still be good. An error answer may mean that it is gone (410), which a new list repairs.
      if (error instanceof MillraceError && error.code !== 'MILLRACE_KUBERNETES_UNREACHABLE')
        this.#version = undefined;
      throw error;
    } finally {
      clearTimeout(timer);
    }
    if (performance.now() - startMs < minWatchMs) throw this.#brokenOff('ended at once');
    this.#failures = 0;
  }

  /** Applies an event. Returns whether more events can follow. */
  #take({ type, object }: WatchEvent): boolean {
    if (type === 'ERROR') {
      // Usually 410 Gone: the version is too old to continue from. A new list repairs any other cause too.
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

  /** Reports each cause once. A broken connection is reported only if the next attempt fails too. */
  #reportTrouble(error: unknown): void {
    const coded = error instanceof MillraceError ? error : this.#brokenOff('broke off', error);
    const text = describeError(coded);
    const mayPass = coded.code === 'MILLRACE_KUBERNETES_UNREACHABLE' && this.#failures === 1;
    if (text === this.#reported || mayPass) return;
    this.#reported = text;
    this.#settings.onTrouble?.(coded);
  }

  #reportRecovery(): void {
    if (this.#reported === undefined) return;
    this.#reported = undefined;
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
