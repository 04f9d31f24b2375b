// Installs the dependencies when they are absent or not what package-lock.json says.
// Runs before the scripts a user calls, on whatever Node the machine has: plain JavaScript, nothing imported
// that has to be installed. When all is in place it costs a few milliseconds.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from './npm.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const pinnedNode = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');

if (!isInstalled()) {
  console.error('millrace: installing dependencies (once)');
  install();
  checkNode();
}

function isInstalled() {
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined || !(existsSync(pinnedNode) || isOwnNodeEnough())) return false;
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

/** No package runs a script at installation but those that `allowScripts` of package.json names, whatever npm's own default is. */
function install() {
  // Node itself comes with a dev dependency, by an optional one. --loglevel=error: the machine's Node being older
  // than `engines` is no news, since no script here runs on it.
  run('ci', '--include=dev', '--include=optional', '--ignore-scripts');
  // npm 10 takes away the link to Node with the packages for other platforms, whose links have the same name.
  if (!existsSync(pinnedNode))
    run('rebuild', '--ignore-scripts', ...Object.keys(readManifest('.build/node').optionalDependencies));
  const { allowScripts } = readManifest();
  const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name]);
  if (allowed.length > 0) run('rebuild', ...allowed);
}

/** Where `.build/node` names no package for the machine, its own Node has to do. */
function checkNode() {
  if (existsSync(pinnedNode)) return;
  const own = `${process.version} of this machine`;
  const platform = `${process.platform} on ${process.arch}`;
  if (!isOwnNodeEnough())
    fail(
      `npm installed no Node for ${platform}, and ${own} is none of ${readManifest().engines.node}: use one.`,
    );
  console.error(`millrace: npm installed no Node for ${platform}: npm scripts run on the ${own}`);
}

/** `engines` has one form: `>=22.19`. */
function isOwnNodeEnough() {
  const [major, minor] = readManifest().engines.node.slice('>='.length).split('.').map(Number);
  const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

function readManifest(folder = '.') {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
}

function run(...args) {
  const { status } = npm([...args, '--loglevel=error'], { stdio: ['ignore', 2, 2] });
  if (status !== 0) fail(`npm ${args[0]} failed, see above.`);
}

function fail(message) {
  console.error(`millrace: ${message}`);
  process.exit(1);
}
