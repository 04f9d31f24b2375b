// Installs the dependencies when they are absent or not what package-lock.json says.
// Runs before the scripts a user calls, on whatever Node the machine has: plain JavaScript, nothing imported
// but Node itself. When all is in place it costs a few milliseconds.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const pinnedNode = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');

if (!isInstalled()) {
  console.error('millrace: installing dependencies (once)');
  install();
  if (!existsSync(pinnedNode)) {
    fail(
      'npm installed no Node: allow the install script of the package "node" (npm config ignore-scripts).',
    );
  }
}

function isInstalled() {
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined || !existsSync(pinnedNode)) return false;
  const wanted = readLock(join(root, 'package-lock.json'));
  if (wanted === undefined) fail('package-lock.json is absent or broken: restore it from the repository.');
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const present = installed[path];
    // Packages for other platforms are in the lock, but not in the tree.
    if (present === undefined) return entry.optional === true || entry.peer === true;
    return (
      present.version === entry.version &&
      (present.integrity ?? entry.integrity) === (entry.integrity ?? present.integrity)
    );
  });
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function install() {
  // --include=dev: Node itself is a dev dependency. --loglevel=error: the machine's Node being older than
  // `engines` is no news, since no script here runs on it.
  const args = ['ci', '--include=dev', '--loglevel=error'];
  const npmCli = process.env.npm_execpath;
  const isNpm = npmCli !== undefined && basename(npmCli) === 'npm-cli.js';
  const options = { cwd: root, stdio: ['ignore', 2, 2] };
  const result = isNpm
    ? spawnSync(process.execPath, [npmCli, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (result.status !== 0) fail('npm ci failed, see above.');
}

function fail(message) {
  console.error(`millrace: ${message}`);
  process.exit(1);
}
