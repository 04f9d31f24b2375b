// Writes sbom.cdx.json: what an installation for production holds (CycloneDX), with licences and hashes, from package-lock.json alone.
//
// npm is given a lock file without what is for development: `npm sbom --omit=dev` of the whole one leaves out whatever is needed both in
// production and by something in development.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from './npm.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = read('package.json');
const lock = read('package-lock.json');
// A link to a folder of the project is for development where that folder is.
const isForDevelopment = ({ link, resolved, dev }) => (link ? lock.packages[resolved].dev : dev) === true;
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).filter(([, entry]) => !isForDevelopment(entry)),
);
for (const project of [manifest, lock.packages['']]) delete project.devDependencies;

const dir = mkdtempSync(join(tmpdir(), 'millrace-sbom-'));
try {
  // The folder's name is the project's in the list.
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
