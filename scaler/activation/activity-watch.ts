// Notifies listeners while a trigger or group is active. It checks again and again: every `repeatMs` while something is
// active, and at its own interval while it is not.
import type { EmitScaler } from '../scaler-events.ts';

export interface ActivityWatchOptions {
  readonly isActive: (key: string) => Promise<boolean>;
  /** Milliseconds between two checks of a key that is not active. */
  readonly intervalMs: (key: string) => number;
  /** Whether to check before the interval is over. */
  readonly isUrgent?: ((key: string) => boolean) | undefined;
  /** Milliseconds between two pushes of an active key, and the resolution of all intervals. Default: 1,000. */
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
  nextCheckMs: number;
}

export function createActivityWatch(options: ActivityWatchOptions): ActivityWatch {
  return new LiveActivityWatch(options);
}

class LiveActivityWatch implements ActivityWatch {
  readonly #options: ActivityWatchOptions;
  readonly #watches = new Map<string, Watched>();
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: ActivityWatchOptions) {
    this.#options = options;
  }

  watch(key: string, listener: () => void): () => void {
    const watched = this.#watches.get(key) ?? {
      listeners: new Set(),
      active: false,
      isChecking: false,
      nextCheckMs: 0,
    };
    // A set would hold the same function once, but each call of watch counts.
    const own = (): void => listener();
    watched.listeners.add(own);
    this.#watches.set(key, watched);
    this.#ticker ??= setInterval(() => this.#tick(), this.#options.repeatMs ?? 1_000);
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
    this.#push(key, watched);
  }

  close(): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    this.#watches.clear();
  }

  #tick(): void {
    for (const [key, watched] of this.#watches) {
      if (
        watched.active ||
        performance.now() >= watched.nextCheckMs ||
        this.#options.isUrgent?.(key) === true
      )
        void this.#check(key, watched);
    }
  }

  /** Pushes if the key is active. Never rejects. */
  async #check(key: string, watched: Watched): Promise<void> {
    if (watched.isChecking) return;
    watched.isChecking = true;
    try {
      watched.active = await this.#options.isActive(key);
    } catch {
      // An unknown state is no reason to start replicas. The poll that failed has reported the cause.
      watched.active = false;
    }
    watched.isChecking = false;
    const intervalMs = this.#options.intervalMs(key);
    // Keys of the same interval are due at the same time, so that they share a poll.
    watched.nextCheckMs = watched.active ? 0 : Math.floor(performance.now() / intervalMs + 1) * intervalMs;
    if (watched.active) this.#push(key, watched);
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
    if (this.#watches.size > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }
}
