// Judges the dependencies: where they come from, what they may run at installation, their licences, and what is known against them.
// Lines that begin with "note:" are told and fail nothing. Without a registry that answers with advisories, one of them says so.
import { readFileSync } from 'node:fs';
import { judgeAudit, parseAudit } from './dependencies/audit.ts';
import { judgeLicences, judgeOrigins, judgeScripts } from './dependencies/lock.ts';
import { npm } from './npm.js';

const { allowScripts } = read('../package.json');
const { packages: lock } = read('../package-lock.json');
const exceptions = read('./dependencies/exceptions.json');

const audit = judgeAudit(
  parseAudit(askRegistry(), lock),
  exceptions.advisories,
  new Date().toISOString().slice(0, 10),
);
const problems = [
  ...judgeOrigins(lock, exceptions),
  ...judgeScripts(lock, allowScripts),
  ...judgeLicences(lock, exceptions),
  ...audit.problems,
];

for (const remark of audit.remarks) console.log(`note: ${remark}`);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function read(path) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
}

/** One try, with a limit: a machine without a network has to get on. */
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
