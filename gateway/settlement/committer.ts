// Commits progress to Kafka: at once when idle, with at most one commit in flight and at most one per interval under load. A failed
// commit loses nothing: the next one repeats its progress, after an interval that grows with each failure.
import type { TopicPartition } from '../../core/contract/record.ts';
import type { PartitionProgress } from '../../core/contract/record-source.ts';

export interface CommitterOptions<P extends Committable> {
  /**
   * Commits the progress of these partitions as it is at the time of the call. Resolves with that progress when Kafka has stored
   * it. If it rejects, they are committed again.
   */
  readonly commit: (due: readonly P[]) => Promise<readonly PartitionProgress[]>;
  readonly intervalMs: number;
  readonly onCommitted: (progress: readonly PartitionProgress[]) => void;
  readonly onFailed: (error: Error) => void;
}

/**
 * A partition with progress to commit. Once it is not `open` it is not committed, because a group accepts commits for partitions that
 * another member owns.
 */
export interface Committable extends TopicPartition {
  readonly name: string;
  readonly open: boolean;
}

/** The interval doubles with each failure in a row, at most this often. */
const maxDoublings = 5;
/** Delay between two tries of `finish`, in ms. */
const finishDelayMs = 50;

export class Committer<P extends Committable> {
  readonly #options: CommitterOptions<P>;
  readonly #dirty = new Map<string, P>();
  #inFlight: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #stopped = false;

  constructor(options: CommitterOptions<P>) {
    this.#options = options;
  }

  /** `partition` has something new to commit. */
  mark(partition: P): void {
    this.#dirty.set(partition.name, partition);
    if (this.#timer !== undefined || this.#inFlight !== undefined || this.#stopped) return;
    const intervalMs = this.#options.intervalMs * 2 ** Math.min(this.#failures, maxDoublings);
    const waitMs = Math.max(0, this.#lastStartMs + intervalMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#commit();
    }, waitMs);
  }

  /** Commits now what is due; resolves when Kafka has stored it, or has refused it once. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#inFlight !== undefined) await this.#inFlight;
    if (this.#dirty.size > 0) await this.#commit();
  }

  /** Commits what is due of `partitions`; retries until Kafka has stored it or `limitMs` are over. */
  async finish(partitions: readonly P[], limitMs: number): Promise<void> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), limitMs);
    const over = new Promise<void>((resolve) => limit.signal.addEventListener('abort', () => resolve()));
    while (!limit.signal.aborted) {
      await Promise.race([this.flush(), over]);
      if (!partitions.some(({ name, open }) => open && this.#dirty.has(name))) break;
      await new Promise((resolve) => setTimeout(resolve, finishDelayMs));
    }
    clearTimeout(timer);
  }

  /** Starts no more commits by itself; `flush` still works. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #commit(): Promise<void> {
    this.#inFlight ??= this.#commitOnce().finally(() => {
      this.#inFlight = undefined;
      const [next] = this.#dirty.values();
      if (next !== undefined) this.mark(next);
    });
    return this.#inFlight;
  }

  async #commitOnce(): Promise<void> {
    this.#lastStartMs = performance.now();
    const due = [...this.#dirty.values()].filter(({ open }) => open);
    this.#dirty.clear();
    if (due.length === 0) return;
    try {
      const progress = await this.#options.commit(due);
      this.#failures = 0;
      this.#options.onCommitted(progress);
    } catch (error) {
      this.#failures += 1;
      for (const partition of due)
        if (!this.#dirty.has(partition.name)) this.#dirty.set(partition.name, partition);
      this.#options.onFailed(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
