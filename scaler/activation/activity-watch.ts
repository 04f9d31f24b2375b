// Notifies listeners while a trigger or group is active. It checks again and again: every `repeatMs` while something is
// active, and at its own interval while it is not. Each key has a timer of its own, so that only what is due costs anything.
import type { EmitScaler } from '../scaler-events.ts';

export interface ActivityWatchOptions {
  readonly isActive: (key: string) => Promise<boolean>;
  /** Milliseconds between two checks of a key that is not active. */
  readonly intervalMs: (key: string) => number;
  /** Milliseconds between two pushes of an active key. Default: 1,000. */
  readonly repeatMs?: number | undefined;
  readonly emit: EmitScaler;
}

export interface ActivityWatch {
  /**
   * Calls `listener` while `key` is active: at once when it becomes active, then every `repeatMs`. Returns a function that
   * stops it. An error that a listener throws is ignored.
   */
  watch(key: string, listener: () => void): () => void;
  /** Checks now, if the key has a listener. */
  check(key: string): void;
  /** Marks the key as active and notifies its listeners in the same tick. */
  activate(key: string): void;
  close(): void;
}

/** A key that has a listener. */
interface Watched {
  readonly listeners: Set<() => void>;
  /** As of the last check. */
  active: boolean;
  isChecking: boolean;
  /** It was activated during the check under way, which knows nothing of it. */
  isActivated: boolean;
  /** The next check. */
  timer: NodeJS.Timeout | undefined;
}

export function createActivityWatch(options: ActivityWatchOptions): ActivityWatch {
  return new LiveActivityWatch(options);
}

class LiveActivityWatch implements ActivityWatch {
  readonly #options: ActivityWatchOptions;
  readonly #watches = new Map<string, Watched>();

  constructor(options: ActivityWatchOptions) {
    this.#options = options;
  }

  watch(key: string, listener: () => void): () => void {
    const watched = this.#watches.get(key) ?? {
      listeners: new Set(),
      active: false,
      isChecking: false,
      isActivated: false,
      timer: undefined,
    };
    // A set would hold the same function once, but each call of watch counts.
    const own = (): void => listener();
    watched.listeners.add(own);
    this.#watches.set(key, watched);
    void this.#check(key, watched);
    return () => this.#unwatch(key, watched, own);
  }

  check(key: string): void {
    const watched = this.#watches.get(key);
    if (watched !== undefined) void this.#check(key, watched);
  }

  activate(key: string): void {
    const watched = this.#watches.get(key);
    if (watched === undefined) return;
    watched.active = true;
    watched.isActivated = watched.isChecking;
    if (!watched.isChecking) this.#schedule(key, watched);
    this.#push(key, watched);
  }

  close(): void {
    for (const { timer } of this.#watches.values()) clearTimeout(timer);
    this.#watches.clear();
  }

  /** Pushes if the key is active. Never rejects. */
  async #check(key: string, watched: Watched): Promise<void> {
    if (watched.isChecking) return;
    watched.isChecking = true;
    clearTimeout(watched.timer);
    // An unknown state is no reason to start replicas. Whoever measured it has reported the cause.
    const isActive = await this.#options.isActive(key).catch(() => false);
    watched.active = isActive || watched.isActivated;
    watched.isChecking = watched.isActivated = false;
    if (this.#watches.get(key) !== watched) return;
    this.#schedule(key, watched);
    if (watched.active) this.#push(key, watched);
  }

  #schedule(key: string, watched: Watched): void {
    const { repeatMs = 1_000, intervalMs } = this.#options;
    clearTimeout(watched.timer);
    const everyMs = watched.active ? repeatMs : intervalMs(key);
    // Keys of the same interval are due at the same time, so that they share requests.
    const delayMs = everyMs - (performance.now() % everyMs);
    watched.timer = setTimeout(() => void this.#check(key, watched), delayMs);
  }

  #push(key: string, { listeners }: Watched): void {
    for (const listener of [...listeners]) {
      try {
        listener();
        this.#options.emit('pushed', key);
      } catch {
        // A listener that fails must not keep the others from being notified. Its owner has to notice the failure.
      }
    }
  }

  #unwatch(key: string, watched: Watched, listener: () => void): void {
    watched.listeners.delete(listener);
    if (watched.listeners.size > 0 || this.#watches.get(key) !== watched) return;
    this.#watches.delete(key);
    clearTimeout(watched.timer);
  }
}
