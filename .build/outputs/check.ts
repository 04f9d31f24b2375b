// Judges what a run of the tests has put out: no secret may be in it, and there must have been one that could be.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mark } from '../../test/fixtures/secrets/planted.ts';
import { needlesFor } from './needles.ts';
import { searchFolder, type Finding } from './search.ts';

const toldFindings = 20;

export type Verdict = { readonly name: string; readonly isPassed: boolean; readonly output: string };

/** `isWhole`: of all tests, among which some have secrets. */
export async function checkOutputs(folder: string, isWhole: boolean): Promise<Verdict> {
  const { bytes, findings } = await searchFolder(folder, needlesFor(mark));
  const name = `no planted secret in ${(bytes / 1e6).toFixed(1)} MB of outputs`;
  const problems = findings.slice(0, toldFindings).map(tell);
  if (findings.length > toldFindings) problems.push(`… and ${findings.length - toldFindings} more`);
  if (bytes === 0) problems.push('nothing was recorded: is .build/outputs/record.js loaded?');
  if (isWhole && !existsSync(join(folder, 'planted')))
    problems.push('no test has planted a secret: none could be found');
  return { name, isPassed: problems.length === 0, output: problems.join('\n') };
}

function tell({ file, offset, what, before }: Finding): string {
  return `${file}, byte ${offset}: ${what}, after: ${before}`;
}
