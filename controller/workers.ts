// Those who take from the work queue: a few at a time, with the timers that it has none of.
import type { WorkQueue } from './work-queue.ts';

export interface WorkersOptions {
  readonly queue: WorkQueue;
  /** `failed`, or what it rejects with, means again after a wait that grows; `inMs`, again then. */
  readonly work: (item: string) => Promise<{ readonly inMs: number } | 'failed' | undefined>;
  /** `count` failures in a row. */
  readonly onFailure: (item: string, error: unknown, count: number) => void;
}

export interface Workers {
  add(item: string): void;
  /** Until then, what was added waits. */
  start(): void;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

const atATime = 4;

export function createWorkers({ queue, work, onFailure }: WorkersOptions): Workers {
  const underWay = new Set<Promise<void>>();
  let isRunning = false;
  let timer: NodeJS.Timeout | undefined;

  async function workOn(item: string): Promise<void> {
    try {
      const again = await work(item);
      if (again === 'failed') queue.failed(item, performance.now());
      else queue.done(item);
      if (typeof again === 'object') queue.addAt(item, performance.now() + again.inMs);
    } catch (error) {
      onFailure(item, error, queue.failed(item, performance.now()));
    }
  }

  function pump(): void {
    clearTimeout(timer);
    while (isRunning && underWay.size < atATime) {
      const item = queue.take(performance.now());
      if (item === undefined) break;
      const working = workOn(item).then(() => {
        underWay.delete(working);
        pump();
      });
      underWay.add(working);
    }
    const nextMs = queue.nextMs();
    if (!isRunning || nextMs === undefined || underWay.size >= atATime) return;
    timer = setTimeout(pump, Math.max(1, nextMs - performance.now()));
  }

  return {
    add(item) {
      queue.add(item);
      if (isRunning) setImmediate(pump);
    },
    start() {
      isRunning = true;
      pump();
    },
    async stop() {
      isRunning = false;
      clearTimeout(timer);
      await Promise.all(underWay);
    },
  };
}
