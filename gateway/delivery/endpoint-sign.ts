// What the result of an attempt says of the endpoint that it went to; what it says of the record is `outcome-by-status.ts`. Pure.
import type { AttemptResult } from './attempt.ts';

/**
 * `served`: 2xx. `answered`: the function is there, and its answer is about the event (a poison record gets 500 from a
 * sound pod). `busy`: 429, sound and full. `failing`: 502, 503, 504, no whole answer in time, a broken connection; Envoy
 * calls the statuses gateway failures, and the others local origin failures. `none`: nothing was sent.
 */
export type Sign = 'served' | 'answered' | 'busy' | 'failing' | 'none';

export function signOf(result: AttemptResult): Sign {
  if (result.kind === 'unreachable') return 'none';
  if (result.kind === 'failed') return 'failing';
  const { status } = result;
  if (status >= 200 && status < 300) return 'served';
  if (status === 429) return 'busy';
  return status === 502 || status === 503 || status === 504 ? 'failing' : 'answered';
}
