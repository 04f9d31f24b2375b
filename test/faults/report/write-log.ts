// Writes a file for whoever investigates a failed seed: each step, and the logs of the gateways.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../run-scenario.ts';
import { describeScenario } from '../scenario/scenario.ts';

/** Resolves with the path of the file. */
export async function writeLog({ scenario, problems, logs }: Outcome): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'millrace-faults-')), `seed-${scenario.seed}.log`);
  await writeFile(path, [...describeScenario(scenario), ...problems, ...logs, ''].join('\n'));
  return path;
}
