// What the image runs.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export function buildDist(): void {
  const build = fileURLToPath(new URL('../../.build/build.js', import.meta.url));
  if (spawnSync(process.execPath, [build], { stdio: 'inherit' }).status !== 0)
    throw new Error('dist/ cannot be built');
}
