// A process of the image, and what it costs: dist/, with the options and the variables of the Containerfile and of the chart.
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { costsOf, type ProcessCosts } from './process-costs.ts';

export type Component = 'gateway' | 'scaler';

export interface StartedComponent extends ProcessCosts {
  /** What it printed when it was ready. */
  readonly ready: RegExpExecArray;
  stop(): Promise<void>;
}

/** Needs dist/. Resolves when it prints what `ready` matches. */
export async function startComponent(
  component: Component,
  ready: RegExp,
  env: Readonly<Record<string, string>>,
  options: readonly string[] = [],
): Promise<StartedComponent> {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const youngGeneration = component === 'scaler' ? 16 : 32;
  const args = [`--max-semi-space-size=${youngGeneration}`, ...options, main, component];
  const child = spawn(process.execPath, args, {
    env: { NODE_ENV: 'production', MALLOC_TRIM_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '2', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const found = await new Promise<RegExpExecArray>((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const match = ready.exec(text);
      if (match !== null) resolve(match);
    });
    child.once('exit', (code) => reject(new Error(`the ${component} ended with exit code ${code}`)));
  });
  return {
    ...costsOf(child.pid ?? 0),
    ready: found,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
