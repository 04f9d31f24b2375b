// Waits after a burst until the demo is idle, or until it makes no progress for so long that it never will be.
import { setTimeout as sleep } from 'node:timers/promises';

export interface IdleOptions {
  readonly isIdle: () => boolean;
  /** Everything that changes while there is progress, as text. */
  readonly progress: () => string;
  /** For how long nothing may change before the wait gives up. */
  readonly stallLimitMs: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** True once `isIdle`; false if there was no progress for too long, which it reports. Rejects when `signal` aborts. */
export async function waitUntilIdle(options: IdleOptions): Promise<boolean> {
  const { isIdle, progress, stallLimitMs, say, signal } = options;
  let last = '';
  let movedMs = performance.now();
  while (!isIdle()) {
    const now = progress();
    if (now !== last) movedMs = performance.now();
    last = now;
    if (performance.now() - movedMs > stallLimitMs) {
      say(`no progress for ${stallLimitMs / 1000} s`);
      return false;
    }
    await sleep(50, undefined, { signal });
  }
  return true;
}
