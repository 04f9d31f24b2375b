// The triggers that are wanted now, as the trigger source last told them. Nothing else in the scaler keeps a
// list.
import { MillraceError } from '../core/contract/errors.ts';
import type { Subscription } from '../core/contract/subscription.ts';

export interface WantedTriggers {
  /** Undefined where nobody wants a trigger of that key. */
  find(key: string): Subscription | undefined;
  /** As `find`, but throws MILLRACE_TRIGGER_UNKNOWN. */
  get(key: string): Subscription;
  all(): readonly Subscription[];
  /** The whole list, again. */
  replace(wanted: readonly Subscription[]): void;
  /** Calls `listener` after every replacement; returns how to stop. */
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
