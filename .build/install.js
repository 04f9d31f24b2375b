// Installs the dependencies when they are missing or differ from package-lock.json.
// Runs before the scripts that a user calls, on the Node of the machine. It is therefore plain JavaScript and imports nothing that has to be
// installed. When everything is in place it takes a few milliseconds.
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
  if (wanted === undefined) fail('package-lock.json is missing or broken: restore it from the repository.');
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const present = installed[path];
    // Packages for other platforms are in the lock file, but not installed.
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

/** Only packages that `allowScripts` of package.json allows run a script at installation, whatever npm's default is. */
function install() {
  // Node itself is an optional dependency of a dev dependency. --loglevel=error: a warning that the machine's Node is older than `engines` would
  // be noise, because no script here runs on it.
  run('ci', '--include=dev', '--include=optional', '--ignore-scripts');
  // npm 10 removes the link to Node together with the packages for other platforms, whose links have the same name.
  if (!existsSync(pinnedNode))
    run('rebuild', '--ignore-scripts', ...Object.keys(readManifest('.build/node').optionalDependencies));
  const { allowScripts } = readManifest();
  const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name]);
  if (allowed.length > 0) run('rebuild', ...allowed);
}

/** Without a package in `.build/node` for this platform, the machine's own Node must be new enough. */
function checkNode() {
  if (existsSync(pinnedNode)) return;
  const own = `${process.version} of this machine`;
  const platform = `${process.platform} on ${process.arch}`;
  if (!isOwnNodeEnough())
    fail(
      `npm installed no Node for ${platform}, and ${own} does not satisfy ${readManifest().engines.node}. Install one that does.`,
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
