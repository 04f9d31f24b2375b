// Commits progress to Kafka: at once when idle, with at most one commit in flight and at most one per interval under load. A failed
// commit loses nothing: the next one repeats its progress, after an interval that grows with each failure. What the group refuses of one topic
// (deleted, or without the right) is tried again apart, so that the other topics are committed as fast as ever.
import type { ErrorBoundary } from '../../core/contract/error-boundary.ts';
import type { TopicPartition } from '../../core/contract/record.ts';
import { CommitRefused, type PartitionProgress } from '../../core/contract/record-source.ts';

export interface CommitterOptions<P extends Committable> {
  /**
   * Commits the progress of these partitions as it is at the time of the call. Resolves with that progress when Kafka has stored
   * it. If it rejects, they are committed again; with `CommitRefused`, those of the refused topics are.
   */
  readonly commit: (due: readonly P[]) => Promise<readonly PartitionProgress[]>;
  /** What a timer or promise of the committer throws ends there. */
  readonly boundary: ErrorBoundary;
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
/** How long `finish` tries again what is refused for its topic, in ms: brokers may not have heard of a new topic, or right, yet. */
const refusedPatienceMs = 1_000;

export class Committer<P extends Committable> {
  readonly #options: CommitterOptions<P>;
  readonly #dirty = new Map<string, P>();
  /** What the group refused for its topic. */
  readonly #refused = new Map<string, P>();
  #refusedTimer: NodeJS.Timeout | undefined;
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
    if (this.#refused.has(partition.name)) {
      this.#refused.set(partition.name, partition);
      return;
    }
    this.#dirty.set(partition.name, partition);
    if (this.#timer !== undefined || this.#inFlight !== undefined || this.#stopped) return;
    const intervalMs = this.#options.intervalMs * 2 ** Math.min(this.#failures, maxDoublings);
    const waitMs = Math.max(0, this.#lastStartMs + intervalMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#options.boundary.settled(this.#commit());
    }, waitMs);
  }

  /** Commits now what is due; resolves when Kafka has stored it, or has refused it once. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#inFlight !== undefined) await this.#inFlight;
    if (this.#dirty.size > 0) await this.#commit();
  }

  /**
   * Commits what is due of `partitions`; retries until Kafka has stored it or `limitMs` are over. What it refuses for its topic keeps the others
   * only for a moment.
   */
  async finish(partitions: readonly P[], limitMs: number): Promise<void> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), limitMs);
    const over = new Promise<void>((resolve) => limit.signal.addEventListener('abort', () => resolve()));
    const isLeft = (left: ReadonlyMap<string, P>): boolean =>
      partitions.some(({ name, open }) => open && left.has(name));
    const patientUntilMs = performance.now() + refusedPatienceMs;
    while (!limit.signal.aborted) {
      this.#takeRefused();
      await Promise.race([this.flush(), over]);
      const isPatient = performance.now() < patientUntilMs;
      if (!isLeft(this.#dirty) && !(isPatient && isLeft(this.#refused))) break;
      await new Promise((resolve) => setTimeout(resolve, finishDelayMs));
    }
    clearTimeout(timer);
  }

  /** Starts no more commits by itself; `flush` still works. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#refusedTimer);
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
    let progress: readonly PartitionProgress[];
    try {
      progress = await this.#options.commit(due);
    } catch (error) {
      if (error instanceof CommitRefused) {
        this.#committedBut(error, due);
        return;
      }
      this.#failures += 1;
      for (const partition of due)
        if (!this.#dirty.has(partition.name)) this.#dirty.set(partition.name, partition);
      this.#options.onFailed(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#failures = 0;
    this.#options.onCommitted(progress);
  }

  #committedBut({ topics, stored, cause }: CommitRefused, due: readonly P[]): void {
    for (const partition of due) {
      if (!topics.has(partition.topic)) continue;
      this.#refused.set(partition.name, this.#dirty.get(partition.name) ?? partition);
      this.#dirty.delete(partition.name);
    }
    this.#failures = 0;
    this.#options.onFailed(cause instanceof Error ? cause : new Error(String(cause)));
    this.#options.onCommitted(stored);
    if (this.#stopped) return;
    this.#refusedTimer ??= setTimeout(
      () => this.#takeRefused(),
      this.#options.intervalMs * 2 ** maxDoublings,
    );
  }

  /** They are due again. */
  #takeRefused(): void {
    clearTimeout(this.#refusedTimer);
    this.#refusedTimer = undefined;
    const again = [...this.#refused.values()];
    this.#refused.clear();
    for (const partition of again) this.mark(partition);
  }
}
