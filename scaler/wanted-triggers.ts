// The triggers that the scaler serves: the last list of the trigger source. Nothing else in the scaler stores a list of them.
import { MillraceError } from '../core/contract/errors.ts';
import type { Subscription } from '../core/contract/subscription.ts';

/** What a replacement of the list has changed. A trigger that was not edited is the same object as before. */
export interface WantedChange {
  /** New or edited. */
  readonly changed: readonly Subscription[];
  /** Keys. */
  readonly gone: readonly string[];
}

export interface WantedTriggers {
  /** Undefined if there is no wanted trigger with that key. */
  find(key: string): Subscription | undefined;
  /** Like `find`, but throws MILLRACE_TRIGGER_UNKNOWN. */
  get(key: string): Subscription;
  all(): readonly Subscription[];
  /** How many there are. */
  readonly count: number;
  inNamespace(namespace: string): Iterable<Subscription>;
  /** Replaces the whole list. */
  replace(wanted: readonly Subscription[]): void;
  /** Calls `listener` after every replacement. Returns a function that stops it. */
  onChange(listener: (change: WantedChange) => void): () => void;
  /** Calls `listener` after a replacement that has changed this trigger. */
  onChangeOf(key: string, listener: () => void): () => void;
}

export function createWantedTriggers(): WantedTriggers {
  return new ReplacedTriggers();
}

class ReplacedTriggers implements WantedTriggers {
  #byKey = new Map<string, Subscription>();
  /** Made when it is first asked for. */
  #byNamespace: Map<string, Subscription[]> | undefined;
  readonly #listeners = new Set<(change: WantedChange) => void>();
  readonly #listenersOf = new Map<string, Set<() => void>>();

  get count(): number {
    return this.#byKey.size;
  }

  find(key: string): Subscription | undefined {
    return this.#byKey.get(key);
  }

  get(key: string): Subscription {
    const found = this.#byKey.get(key);
    if (found === undefined)
      throw new MillraceError('MILLRACE_TRIGGER_UNKNOWN', `The scaler knows no trigger ${key}`);
    return found;
  }

  all(): readonly Subscription[] {
    return [...this.#byKey.values()];
  }

  inNamespace(namespace: string): Iterable<Subscription> {
    this.#byNamespace ??= Map.groupBy(this.#byKey.values(), (trigger) => trigger.namespace);
    return this.#byNamespace.get(namespace) ?? [];
  }

  replace(wanted: readonly Subscription[]): void {
    const before = this.#byKey;
    this.#byKey = new Map(wanted.map((subscription) => [subscription.key, subscription]));
    this.#byNamespace = undefined;
    const changed = wanted.filter((subscription) => before.get(subscription.key) !== subscription);
    const gone = [...before.keys()].filter((key) => !this.#byKey.has(key));
    for (const listener of this.#listeners) listener({ changed, gone });
    for (const { key } of changed) for (const listener of this.#listenersOf.get(key) ?? []) listener();
  }

  onChange(listener: (change: WantedChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onChangeOf(key: string, listener: () => void): () => void {
    const listeners = this.#listenersOf.get(key) ?? new Set();
    this.#listenersOf.set(key, listeners);
    // A set would hold the same function once, but each call counts.
    const own = (): void => listener();
    listeners.add(own);
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listenersOf.get(key) === listeners) this.#listenersOf.delete(key);
    };
  }
}
