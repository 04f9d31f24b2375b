// The triggers that the scaler serves: the last list of the trigger source. Nothing else in the scaler stores a list of them.
import { MillraceError } from '../core/contract/errors.ts';
import type { Subscription } from '../core/contract/subscription.ts';

export interface WantedTriggers {
  /** Undefined if there is no wanted trigger with that key. */
  find(key: string): Subscription | undefined;
  /** Like `find`, but throws MILLRACE_TRIGGER_UNKNOWN. */
  get(key: string): Subscription;
  all(): readonly Subscription[];
  /** Replaces the whole list. */
  replace(wanted: readonly Subscription[]): void;
  /** Calls `listener` after every replacement. Returns a function that stops it. */
  onChange(listener: () => void): () => void;
}

export function createWantedTriggers(): WantedTriggers {
  let byKey = new Map<string, Subscription>();
  const listeners = new Set<() => void>();
  return {
    find: (key) => byKey.get(key),
    get(key) {
      const found = byKey.get(key);
      if (found === undefined)
        throw new MillraceError('MILLRACE_TRIGGER_UNKNOWN', `The scaler knows no trigger ${key}`);
      return found;
    },
    all: () => [...byKey.values()],
    replace(wanted) {
      byKey = new Map(wanted.map((subscription) => [subscription.key, subscription]));
      for (const listener of listeners) listener();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
