// Runs npm in the root of the project: the npm that runs this script, or else the one on the PATH. Plain JavaScript for any Node ≥ 20, because
// install.js needs it before anything is installed.
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 */
export function npm(args, options = {}) {
  const npmCli = process.env.npm_execpath;
  const isNpm = npmCli !== undefined && basename(npmCli) === 'npm-cli.js';
  const inRoot = { cwd: root, ...options };
  return isNpm
    ? spawnSync(process.execPath, [npmCli, ...args], inRoot)
    : spawnSync('npm', args, { ...inRoot, shell: process.platform === 'win32' });
}
