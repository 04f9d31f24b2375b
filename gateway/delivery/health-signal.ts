// What the result of an attempt says about the endpoint. `outcome-by-status.ts` decides what it means for the events. Pure.
import type { AttemptResult } from './attempt.ts';

/**
 * - `served`: 2xx.
 * - `answered`: the function is there, and its answer is about the event. A poison record gets 500 from a healthy pod.
 * - `busy`: 429. The endpoint is healthy and at its capacity.
 * - `failing`: 502, 503 or 504 (gateway failures, in Envoy's terms), no complete answer in time, or a broken connection (local
 *   origin failures).
 * - `none`: nothing was sent.
 */
export type HealthSignal = 'served' | 'answered' | 'busy' | 'failing' | 'none';

export function healthSignalOf(result: AttemptResult): HealthSignal {
  if (result.kind === 'unreachable') return 'none';
  if (result.kind === 'failed') return 'failing';
  const { status } = result;
  if (status >= 200 && status < 300) return 'served';
  if (status === 429) return 'busy';
  return status === 502 || status === 503 || status === 504 ? 'failing' : 'answered';
}
