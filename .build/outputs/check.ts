// Checks the outputs of a test run: they must hold no secret, and the tests must have planted one, or the check would prove nothing.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mark } from '../../test/fixtures/secrets/planted.ts';
import { secretPatternsFor } from './secret-patterns.ts';
import { searchFolder, type Finding } from './search.ts';

const mostFindings = 20;

export type Verdict = { readonly name: string; readonly isPassed: boolean; readonly output: string };

/** `isWhole`: the run had all tests, so some of them have planted secrets. */
export async function checkOutputs(folder: string, isWhole: boolean): Promise<Verdict> {
  const { bytes, findings } = await searchFolder(folder, secretPatternsFor(mark));
  const name = `no planted secret in ${(bytes / 1e6).toFixed(1)} MB of outputs`;
  const problems = findings.slice(0, mostFindings).map(describe);
  if (findings.length > mostFindings) problems.push(`… and ${findings.length - mostFindings} more`);
  if (bytes === 0) problems.push('nothing was recorded: is .build/outputs/record.js loaded?');
  if (isWhole && !existsSync(join(folder, 'planted')))
    problems.push('no test has planted a secret, so the search proves nothing');
  return { name, isPassed: problems.length === 0, output: problems.join('\n') };
}

function describe({ file, offset, what, before }: Finding): string {
  return `${file}, byte ${offset}: ${what}, after: ${before}`;
}
