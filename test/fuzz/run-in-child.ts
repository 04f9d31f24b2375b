// Runs a campaign in a child process, and reports the input at which it threw, stalled, ran out of memory or exited.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CampaignOptions, CampaignResult } from './campaign.ts';
import { readProgress } from './progress-file.ts';

export interface CampaignRequest extends Omit<CampaignOptions, 'onInput'> {
  /** URL of a module that exports `targets`. */
  readonly module: string;
  readonly name: string;
}

export interface Limits {
  /** How long one input may take. */
  readonly stallMs: number;
  readonly heapMb: number;
}

export const usualLimits: Limits = { stallMs: 10_000, heapMb: 256 };

export type Outcome =
  | ({ readonly kind: 'sound' } & CampaignResult)
  | { readonly kind: 'broken'; readonly why: string; readonly input: Buffer };

const mostOutputChars = 2_000;

/** Never rejects. */
export function runInChild(request: CampaignRequest, limits = usualLimits): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'));
  const progressPath = join(folder, 'input');
  writeFileSync(progressPath, '');
  // JSON has no Infinity.
  const endless = { inputs: Math.min(request.inputs, Number.MAX_SAFE_INTEGER) };
  const child = fork(
    fileURLToPath(new URL('child.ts', import.meta.url)),
    [JSON.stringify({ ...request, ...endless, progressPath })],
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
      const { count } = readProgress(progressPath);
      // Until the first input the child loads its sources.
      if (count !== seen || count === 0) [seen, seenAtMs] = [count, performance.now()];
      else if (performance.now() - seenAtMs > limits.stallMs) {
        said = `no answer within ${limits.stallMs} ms`;
        child.kill('SIGKILL');
      }
    }, 100);
    child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(0, mostOutputChars)));
    child.once('message', (message) => (result = message as CampaignResult));
    child.once('close', (code, signal) => {
      clearInterval(watch);
      const { input } = readProgress(progressPath);
      rmSync(folder, { recursive: true });
      if (result !== undefined && code === 0) resolve({ kind: 'sound', ...result });
      else resolve({ kind: 'broken', why: `${said || 'ended'} (${signal ?? code})`, input });
    });
  });
}
