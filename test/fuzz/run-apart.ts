// Runs a campaign in a process, and tells the input at which it threw, stood still, ran out of memory or left.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CampaignOptions, CampaignResult } from './campaign.ts';
import { readBoard } from './input-board.ts';

export interface CampaignRequest extends Omit<CampaignOptions, 'onInput'> {
  /** URL of a module that exports `targets`. */
  readonly module: string;
  readonly name: string;
}

export interface Limits {
  /** Of one input. */
  readonly stillMs: number;
  readonly heapMb: number;
}

export const usualLimits: Limits = { stillMs: 10_000, heapMb: 256 };

export type Outcome =
  | ({ readonly kind: 'sound' } & CampaignResult)
  | { readonly kind: 'broken'; readonly why: string; readonly input: Buffer };

const mostTold = 2_000;

/** Never rejects. */
export function runApart(request: CampaignRequest, limits = usualLimits): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'));
  const board = join(folder, 'input');
  writeFileSync(board, '');
  // An endless run has no number in JSON.
  const endless = { inputs: Math.min(request.inputs, Number.MAX_SAFE_INTEGER) };
  const child = fork(
    fileURLToPath(new URL('apart.ts', import.meta.url)),
    [JSON.stringify({ ...request, ...endless, board })],
    {
      execArgv: [`--max-old-space-size=${limits.heapMb}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    },
  );
  return new Promise((resolve) => {
    let [seen, seenAtMs, said] = [0, performance.now(), ''];
    let result: CampaignResult | undefined;
    const watch = setInterval(() => {
      const { count } = readBoard(board);
      // Until the first one, its sources are read.
      if (count !== seen || count === 0) [seen, seenAtMs] = [count, performance.now()];
      else if (performance.now() - seenAtMs > limits.stillMs) {
        said = `no answer within ${limits.stillMs} ms`;
        child.kill('SIGKILL');
      }
    }, 100);
    child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(0, mostTold)));
    child.once('message', (message) => (result = message as CampaignResult));
    child.once('close', (code, signal) => {
      clearInterval(watch);
      const { input } = readBoard(board);
      rmSync(folder, { recursive: true });
      if (result !== undefined && code === 0) resolve({ kind: 'sound', ...result });
      else resolve({ kind: 'broken', why: `${said || 'ended'} (${signal ?? code})`, input });
    });
  });
}
