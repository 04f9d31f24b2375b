// Writes sbom.cdx.json: the packages of a production installation (CycloneDX), with licences and hashes, from package-lock.json alone.
//
// npm gets a lock file without development packages, because `npm sbom --omit=dev` of the whole file also leaves out packages that both
// production and development need.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from './npm.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = read('package.json');
const lock = read('package-lock.json');
// A link to a folder of the project is a development package if that folder is one.
const isForDevelopment = ({ link, resolved, dev }) => (link ? lock.packages[resolved].dev : dev) === true;
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).filter(([, entry]) => !isForDevelopment(entry)),
);
for (const project of [manifest, lock.packages['']]) delete project.devDependencies;

const dir = mkdtempSync(join(tmpdir(), 'millrace-sbom-'));
try {
  // npm takes the name of the project from the folder.
  const cwd = join(dir, manifest.name);
  mkdirSync(cwd);
  write(cwd, 'package.json', manifest);
  write(cwd, 'package-lock.json', lock);
  const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'];
  const { status, stdout } = npm(args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) throw new Error('npm sbom failed, see above.');
  writeFileSync(join(root, 'sbom.cdx.json'), stdout);
} finally {
  rmSync(dir, { recursive: true });
}

function read(name) {
  return JSON.parse(readFileSync(join(root, name), 'utf8'));
}

function write(cwd, name, content) {
  writeFileSync(join(cwd, name), JSON.stringify(content));
}
