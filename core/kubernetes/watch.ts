// Lists a kind, then watches it until it is stopped, so that what is known of it stays complete and current.
//
//   list ──ok──► watch from its version ──ends or fails──► watch from the last version
//    ▲ fails: again      │                                   │
//    └───────────────────┴── expired (410) ◄─────────────────┘
//
// Only an expired version is a reason to list again: an API server in trouble must not be asked for more than before. Each failure in a row
// makes the next wait longer, and only a watch that lasts ends the row.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
import { setTimeout as delay } from 'node:timers/promises';
import { describeError, MillraceError } from '../contract/errors.ts';
import type { Resource, ResourceChange, ResourceKind, WatchOptions } from '../contract/kubernetes-client.ts';
import { ApiRefusal, readErrorEvent, type Status } from './api-refusal.ts';
import { backoffMs } from './backoff.ts';
import { readLines } from './lines.ts';
import { withoutManagedFields, listAll, type ListPlace } from './list.ts';
import { ResourceCache } from './resource-cache.ts';
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
/** A watch that has lasted so long, in ms, or for most of the time that it was requested for, has recovered from earlier failures. */
const steadyMs = 5_000;
const steadyShare = 0.9;
/** Upper limit in ms for the patience that the API server, or a proxy before it, asks for. */
const maxPatienceMs = 60_000;

/** One watch in each of `options.namespaces`; `onChange` gets the changes of all. */
export async function watchAll(
  requests: Requests,
  kind: ResourceKind,
  { namespaces, signal, ...selection }: WatchOptions,
  onChange: (changes: readonly ResourceChange[]) => void,
  settings: WatchSettings,
): Promise<() => void> {
  const ending = new AbortController();
  const either = signal === undefined ? ending.signal : AbortSignal.any([ending.signal, signal]);
  const takeChanges = (): ResourceChange[] => parts.flatMap(({ cache }) => cache.takeChanges());
  const report = coalesce(() => {
    const changes = takeChanges();
    if (changes.length > 0 && !either.aborted) onChange(changes);
  });
  const parts = (namespaces ?? [undefined]).map(
    (namespace) => new KindWatch(requests, { ...kind, namespace }, selection, settings, either),
  );
  await Promise.all(parts.map((part) => part.start(report)));
  either.throwIfAborted();
  onChange(takeChanges());
  report.begin();
  return () => ending.abort();
}

/** Runs `work` once for all calls in one iteration of the event loop, and never before `begin`. */
function coalesce(work: () => void): (() => void) & { begin(): void } {
  let isDue = true;
  const run = (): void => {
    isDue = false;
    work();
  };
  const call = (): void => {
    if (isDue) return;
    isDue = true;
    setImmediate(run);
  };
  call.begin = run;
  return call;
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  /** A Status in an event of the type ERROR, and otherwise the resource. */
  readonly object: unknown;
}

type Selection = Pick<WatchOptions, 'labelSelector' | 'fieldSelector' | 'transform'>;

type Verb = 'list' | 'watch';

class KindWatch {
  readonly cache = new ResourceCache();
  readonly #requests: Requests;
  readonly #place: ListPlace;
  readonly #selection: Selection;
  readonly #settings: WatchSettings;
  readonly #signal: AbortSignal;
  /** Undefined: must be listed. */
  #version: string | undefined;
  /** Lists and watches that failed since a watch has lasted. */
  #failures = 0;
  #reported: { readonly text: string; readonly verb: Verb } | undefined;
  #onChange: () => void = () => undefined;

  constructor(
    requests: Requests,
    place: ListPlace,
    selection: Selection,
    settings: WatchSettings,
    signal: AbortSignal,
  ) {
    this.#requests = requests;
    this.#place = place;
    this.#selection = selection;
    this.#settings = settings;
    this.#signal = signal;
  }

  /** Resolves after the first list. Rejects only if it is stopped before. */
  async start(onChange: () => void): Promise<void> {
    this.#onChange = onChange;
    while (this.#version === undefined) {
      this.#signal.throwIfAborted();
      await this.#attempt();
    }
    void this.#follow();
  }

  async #follow(): Promise<void> {
    while (!this.#signal.aborted) await this.#attempt();
  }

  /** Lists or watches. Reports a failure, and waits for the backoff. */
  async #attempt(): Promise<void> {
    const version = this.#version;
    try {
      await (version === undefined ? this.#list() : this.#watch(version));
    } catch (error) {
      if (this.#signal.aborted) return;
      const refusal = error instanceof ApiRefusal ? error : undefined;
      if (refusal?.isExpired === true) this.#version = undefined;
      this.#failures += 1;
      this.#reportTrouble(error, version === undefined ? 'list' : 'watch');
      // A little longer than the API server asks for, so that not all gateways come back at the same moment.
      const patienceMs = Math.min(maxPatienceMs, (refusal?.retryAfterMs ?? 0) * (1 + Math.random() / 5));
      const delayMs = Math.max(patienceMs, backoffMs(this.#failures));
      await delay(delayMs, undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }

  async #list(): Promise<void> {
    const { items, resourceVersion } = await listAll(
      this.#requests,
      this.#place,
      this.#selection,
      this.#signal,
    );
    this.cache.replace(items);
    this.#version = resourceVersion;
    if (this.#reported?.verb === 'list') this.#reportRecovery();
    this.#onChange();
  }

  async #watch(version: string): Promise<void> {
    const seconds = Math.ceil(
      (this.#settings.watchSeconds ?? defaultWatchSeconds) * (0.75 + Math.random() / 2),
    );
    const { labelSelector, fieldSelector } = this.#selection;
    const query = {
      labelSelector,
      fieldSelector,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: version,
      timeoutSeconds: String(seconds),
    };
    const silence = new AbortController();
    const silenceTimer = setTimeout(() => silence.abort(), seconds * 1_000 + graceMs);
    const steadyAfterMs = Math.min(steadyMs, seconds * 1_000 * steadyShare);
    let steadyTimer: NodeJS.Timeout | undefined;
    const startMs = performance.now();
    const steady = (): void => {
      this.#failures = 0;
      this.#reportRecovery();
    };
    try {
      const either = AbortSignal.any([this.#signal, silence.signal]);
      const body = await this.#requests.stream({ verb: 'watch', place: this.#place, query }, either);
      steadyTimer = setTimeout(steady, steadyAfterMs);
      for await (const line of readLines(body)) this.#take(JSON.parse(line) as WatchEvent);
    } finally {
      clearTimeout(silenceTimer);
      clearTimeout(steadyTimer);
    }
    if (performance.now() - startMs < steadyAfterMs) throw this.#brokenOff('ended at once');
  }

  /** Applies an event. Throws the error that the API server tells in one. */
  #take({ type, object }: WatchEvent): void {
    if (type === 'ERROR')
      throw readErrorEvent(object as Status, { verb: 'watch', what: describePlace(this.#place) });
    const resource = object as Resource;
    this.#version = resource.metadata.resourceVersion ?? this.#version;
    if (type === 'BOOKMARK') return;
    if (type === 'DELETED') this.cache.delete(resource);
    else this.cache.set(this.#kept(resource));
    this.#onChange();
  }

  #kept(object: Resource): Resource {
    const { transform = (resource: Resource) => resource } = this.#selection;
    return transform(withoutManagedFields(object, this.#place));
  }

  /** Reports each cause once. What usually passes at once is reported only if the next attempt fails too. */
  #reportTrouble(error: unknown, verb: Verb): void {
    const coded = error instanceof MillraceError ? error : this.#brokenOff('broke off', error);
    const text = describeError(coded);
    const isExpired = coded instanceof ApiRefusal && coded.isExpired;
    const mayPass = isExpired || coded.code === 'MILLRACE_KUBERNETES_UNREACHABLE';
    if (text === this.#reported?.text || (mayPass && this.#failures === 1)) return;
    this.#reported = { text, verb };
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
