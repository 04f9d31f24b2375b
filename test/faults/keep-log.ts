// What happened in a seed, step by step, and what the gateways said: in a file, for whoever looks into a failure.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from './run-scenario.ts';
import { describeScenario } from './scenario.ts';

/** Resolves with the path. */
export async function keepLog({ scenario, problems, logs }: Outcome): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'millrace-faults-')), `seed-${scenario.seed}.log`);
  await writeFile(path, [...describeScenario(scenario), ...problems, ...logs, ''].join('\n'));
  return path;
}
