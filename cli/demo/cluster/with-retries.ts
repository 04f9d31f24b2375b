// A way to the API server that is lost for a moment keeps nobody from cleaning up.
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../../core/contract/errors.ts';

const limitMs = 60_000;
const delayMs = 500;

/** Asks again while no answer comes, for a minute; only for what may be asked twice. */
export async function withRetries<T>(ask: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const mayPass = error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_UNREACHABLE';
      if (!mayPass || performance.now() > deadlineMs) throw error;
    }
    await sleep(delayMs);
  }
}
