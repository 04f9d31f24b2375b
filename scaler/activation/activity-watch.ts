// Tells listeners while something is active, by looking at it again and again: often while it is active, at its own
// interval while it is not.
import type { EmitScaler } from '../scaler-events.ts';

export interface ActivityWatchOptions {
  readonly isActive: (key: string) => Promise<boolean>;
  /** Milliseconds between two looks at what is not active. */
  readonly intervalMs: (key: string) => number;
  /** Whether to look before the interval is over. */
  readonly isUrgent?: ((key: string) => boolean) | undefined;
  /** Milliseconds between two pushes of what is active; 1,000 when absent. Intervals are counted in it. */
  readonly repeatMs?: number | undefined;
  readonly emit: EmitScaler;
}

export interface ActivityWatch {
  /**
   * Calls `listener` while `key` is active: at once when it turns so, then every `repeatMs`. Returns how to stop. Never
   * throws what a listener threw.
   */
  watch(key: string, listener: () => void): () => void;
  /** Looks at once; nothing where nobody listens. */
  look(key: string): void;
  /** It is active, as of now: tells the listeners in the same tick. */
  activate(key: string): void;
  close(): void;
}

/** The look of a key that somebody listens for. */
interface Watched {
  readonly listeners: Set<() => void>;
  /** As of the last look. */
  active: boolean;
  looking: boolean;
  nextLookMs: number;
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
      looking: false,
      nextLookMs: 0,
    };
    // Two subscriptions of the same function are two.
    const own = (): void => listener();
    watched.listeners.add(own);
    this.#watches.set(key, watched);
    this.#ticker ??= setInterval(() => this.#tick(), this.#options.repeatMs ?? 1_000);
    void this.#look(key, watched);
    return () => this.#unwatch(key, watched, own);
  }

  look(key: string): void {
    const watched = this.#watches.get(key);
    if (watched !== undefined) void this.#look(key, watched);
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
      if (watched.active || performance.now() >= watched.nextLookMs || this.#options.isUrgent?.(key) === true)
        void this.#look(key, watched);
    }
  }

  /** Pushes where it is active. Never rejects. */
  async #look(key: string, watched: Watched): Promise<void> {
    if (watched.looking) return;
    watched.looking = true;
    try {
      watched.active = await this.#options.isActive(key);
    } catch {
      // Unknown is no reason to start anything; whoever looks has told why.
      watched.active = false;
    }
    watched.looking = false;
    const intervalMs = this.#options.intervalMs(key);
    // Due with all others of the same interval, so that they share a poll.
    watched.nextLookMs = watched.active ? 0 : Math.floor(performance.now() / intervalMs + 1) * intervalMs;
    if (watched.active) this.#push(key, watched);
  }

  #push(key: string, { listeners }: Watched): void {
    for (const listener of [...listeners]) {
      try {
        listener();
        this.#options.emit('pushed', key);
      } catch {
        // A listener that fails must not keep the others asleep; it is its owner's to notice.
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
