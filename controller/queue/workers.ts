// The workers that take keys from the work queue: a few at a time. They own the timers, because the queue has none.
import type { WorkQueue } from './work-queue.ts';

export interface WorkersOptions {
  readonly queue: WorkQueue;
  /** A rejection, or `failed`, requeues the key with backoff; `afterMs` requeues it after that time. */
  readonly work: (key: string) => Promise<{ readonly afterMs: number } | 'failed' | undefined>;
  /** Called after each piece of work. */
  readonly onWorked: (key: string, seconds: number, outcome: 'done' | 'failed') => void;
  /** How many keys wait to be worked on at once. Called when that may have changed. */
  readonly onDepth: (depth: number) => void;
  /** `work` rejected. `count` is the number of failures in a row. */
  readonly onFailure: (key: string, error: unknown, count: number) => void;
}

export interface Workers {
  add(key: string): void;
  /** Milliseconds. */
  addIn(key: string, afterMs: number): void;
  /** Before that, keys only collect in the queue. */
  start(): void;
  /** Resolves when no work is in progress any more. */
  stop(): Promise<void>;
}

/** Most of the time of a reconcile is waiting for the API server, whose client limits the requests. */
const concurrency = 8;

export function createWorkers(options: WorkersOptions): Workers {
  const { queue, work, onWorked, onDepth, onFailure } = options;
  const inProgress = new Set<Promise<void>>();
  let isRunning = false;
  let timer: NodeJS.Timeout | undefined;

  async function workOn(key: string): Promise<void> {
    const startMs = performance.now();
    const worked = (outcome: 'done' | 'failed'): void =>
      onWorked(key, (performance.now() - startMs) / 1_000, outcome);
    try {
      const requeue = await work(key);
      if (requeue === 'failed') queue.failed(key, performance.now());
      else queue.done(key);
      if (typeof requeue === 'object') queue.addAt(key, performance.now() + requeue.afterMs);
      worked(requeue === 'failed' ? 'failed' : 'done');
    } catch (error) {
      worked('failed');
      onFailure(key, error, queue.failed(key, performance.now()));
    }
  }

  function pump(): void {
    clearTimeout(timer);
    while (isRunning && inProgress.size < concurrency) {
      const key = queue.take(performance.now());
      if (key === undefined) break;
      const working = workOn(key).then(() => {
        inProgress.delete(working);
        pump();
      });
      inProgress.add(working);
    }
    onDepth(queue.depth);
    const nextMs = queue.nextMs();
    if (!isRunning || nextMs === undefined || inProgress.size >= concurrency) return;
    timer = setTimeout(pump, Math.max(1, nextMs - performance.now()));
  }

  return {
    add(key) {
      queue.add(key);
      if (isRunning) setImmediate(pump);
    },
    addIn(key, afterMs) {
      queue.addAt(key, performance.now() + afterMs);
      if (isRunning) setImmediate(pump);
    },
    start() {
      isRunning = true;
      pump();
    },
    async stop() {
      isRunning = false;
      clearTimeout(timer);
      await Promise.all(inProgress);
    },
  };
}
