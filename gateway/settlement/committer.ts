// Carries progress to Kafka: at once when idle, at most one commit in flight, and at most one per interval under load.
// A failed commit loses nothing: its partitions are tried again with the next, less often the longer it fails.
import type { TopicPartition } from '../contract/record.ts';
import type { PartitionProgress } from '../contract/ports.ts';

export interface CommitterOptions {
  readonly commit: (progress: readonly PartitionProgress[]) => Promise<void>;
  readonly intervalMs: number;
  readonly onCommitted: (progress: readonly PartitionProgress[]) => void;
  readonly onFailed: (error: Error) => void;
}

/** What has progress to commit, as long as it is `open`: a group takes commits for partitions that another member owns. */
export interface Committable extends TopicPartition {
  readonly name: string;
  readonly open: boolean;
  /** Where it stands in this instant; asked for once per commit. */
  progress(): { readonly offset: bigint; readonly metadata: string };
}

/** The interval doubles with each failure in a row, this often at most. */
const maxDoublings = 5;

export class Committer {
  readonly #options: CommitterOptions;
  readonly #dirty = new Map<string, Committable>();
  #inFlight: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #stopped = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** There is progress in `partition`: its position moved, or what is known beyond it changed. */
  mark(partition: Committable): void {
    this.#dirty.set(partition.name, partition);
    if (this.#timer !== undefined || this.#inFlight !== undefined || this.#stopped) return;
    const intervalMs = this.#options.intervalMs * 2 ** Math.min(this.#failures, maxDoublings);
    const waitMs = Math.max(0, this.#lastStartMs + intervalMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#commit();
    }, waitMs);
  }

  /** Commits what is due, now; resolves when Kafka has it or has refused it once. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#inFlight !== undefined) await this.#inFlight;
    if (this.#dirty.size > 0) await this.#commit();
  }

  /** No commit starts by itself any more; `flush` still works. */
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
    const progress = due.map((committable) => {
      const { topic, partition } = committable;
      const { offset, metadata } = committable.progress();
      return { topic, partition, offset, metadata };
    });
    try {
      await this.#options.commit(progress);
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
