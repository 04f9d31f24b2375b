// The quiet after a burst: it lasts until all is over, or until nothing has moved for so long that it never will be.
import { setTimeout as sleep } from 'node:timers/promises';

export interface QuietOptions {
  readonly isOver: () => boolean;
  /** All that changes while there is progress, as text. */
  readonly progress: () => string;
  /** Without any progress for so long, something is wrong. */
  readonly stallLimitMs: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** True when it is over; false when nothing has moved for too long, which is said. Rejects when `signal` aborts. */
export async function untilQuiet(options: QuietOptions): Promise<boolean> {
  const { isOver, progress, stallLimitMs, say, signal } = options;
  let last = '';
  let movedMs = performance.now();
  while (!isOver()) {
    const now = progress();
    if (now !== last) movedMs = performance.now();
    last = now;
    if (performance.now() - movedMs > stallLimitMs) {
      say(`nothing has moved for ${stallLimitMs / 1000} s`);
      return false;
    }
    await sleep(50, undefined, { signal });
  }
  return true;
}
