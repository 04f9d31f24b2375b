// Checks the dependencies: their origins, install scripts, licences and known advisories. Lines that begin with "note:" do not fail the check.
// One of them reports a registry that does not answer with advisories.
import { readFileSync } from 'node:fs';
import { checkAudit, parseAudit } from './dependencies/audit.ts';
import { checkLicences, checkOrigins, checkScripts } from './dependencies/lock.ts';
import { npm } from './npm.js';

const { allowScripts } = read('../package.json');
const { packages: lock } = read('../package-lock.json');
const exceptions = read('./dependencies/exceptions.json');

const audit = checkAudit(
  parseAudit(askRegistry(), lock),
  exceptions.advisories,
  new Date().toISOString().slice(0, 10),
);
const problems = [
  ...checkOrigins(lock, exceptions),
  ...checkScripts(lock, allowScripts),
  ...checkLicences(lock, exceptions),
  ...audit.problems,
];

for (const remark of audit.remarks) console.log(`note: ${remark}`);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function read(path) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
}

/** Tries once, with a timeout, so that a machine without a network can go on. */
function askRegistry() {
  const args = ['audit', '--json', '--package-lock-only', '--fetch-retries=0', '--fetch-timeout=20000'];
  const { stdout } = npm(args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 60_000,
    maxBuffer: 50_000_000,
  });
  return stdout;
}
