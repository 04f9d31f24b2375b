// Retries calls to the API server, so that a short outage does not prevent the cleanup.
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../../core/contract/errors.ts';

const limitMs = 60_000;
const delayMs = 500;

/** Retries for up to a minute while the API server cannot be reached. Use it only for calls that may be repeated. */
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
