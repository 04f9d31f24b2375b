// Builds dist/: JavaScript and declarations from the sources, and the files beside them that they read at run time.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const SOURCES = ['core', 'gateway', 'scaler', 'controller', 'cli'];
const NOT_ASSETS = /\.(ts|md)$/;

rmSync(dist, { recursive: true, force: true });

const tsc = spawnSync(
  process.execPath,
  [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--project', 'tsconfig.build.json'],
  { cwd: root, stdio: 'inherit' },
);
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

let assets = 0;
for (const entry of globSync(`{${SOURCES.join(',')}}/**/*`, { cwd: root, withFileTypes: true })) {
  if (!entry.isFile() || NOT_ASSETS.test(entry.name)) continue;
  const from = join(entry.parentPath, entry.name);
  const to = join(dist, from.slice(root.length));
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  assets += 1;
}

chmodSync(join(dist, 'cli', 'main.js'), 0o755);
console.log(`dist/ is built (${assets} assets copied)`);
