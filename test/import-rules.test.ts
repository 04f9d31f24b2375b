// The import rules themselves: a tree that keeps them passes, and each rule has a violation that it finds.
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import t from 'tap';
import type { IConfiguration } from 'dependency-cruiser';

const rules = createRequire(import.meta.url)('../.dependency-cruiser.cjs') as IConfiguration;

async function violations(tree: string): Promise<string[]> {
  const baseDir = join(import.meta.dirname, 'fixtures', 'import-rules', tree);
  const { exclude: _, tsConfig: __, ...options } = rules.options ?? {};
  const { output } = await cruise(readdirSync(baseDir), {
    ...options,
    baseDir,
    validate: true,
    ruleSet: { forbidden: rules.forbidden ?? [] },
  });
  return (output as ICruiseResult).summary.violations.map(({ rule }) => rule.name);
}

t.test('a tree that keeps the rules has no violation', async (t) => {
  t.strictSame(await violations('clean'), []);
});

t.test('every rule finds its violation', async (t) => {
  const found = new Set(await violations('violating'));
  const wanted = (rules.forbidden ?? []).map(({ name }) => name);
  t.strictSame([...found].sort(), wanted.sort());
});
