// Checks that every pure source with code, and not only types, has a test that mirrors it. Coverage does not see a source that no test
// loads.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { isPure } from './coverage-map.js';

const root = fileURLToPath(new URL('..', import.meta.url));

const missing = globSync('{core,gateway,scaler,controller}/**/*.ts', { cwd: root })
  .filter((source) => isPure(source) && hasCode(source) && !hasTest(source))
  .sort();

for (const source of missing)
  console.error(`${source}: no test at test/${source.replace(/\.ts$/, '.test.ts')}`);
process.exitCode = missing.length > 0 ? 1 : 0;

function hasTest(source) {
  const stem = `${root}test/${source.replace(/\.ts$/, '')}`;
  return existsSync(`${stem}.test.ts`) || globSync(`${stem}.*.test.ts`).length > 0;
}

function hasCode(source) {
  const { outputText } = ts.transpileModule(readFileSync(root + source, 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ESNext, verbatimModuleSyntax: true, removeComments: true },
  });
  return outputText.replace(/^export \{\};?$/m, '').trim() !== '';
}
