// npm test: the static checks, then every test, against one Kafka broker. A failure stops nothing, so one run shows everything that is
// wrong. The last line is "N passed, N failed".
//
//   npm test                        everything but test/{faults,kubernetes,charts,e2e} and *.faults.test.ts
//   npm test -- --faults --kubernetes --e2e    those, too: what CI runs, as npm run verify
//   npm test -- test/a/b.test.ts    these files (or folders) alone, without the static checks
//   npm run test:unit               the tests of pure code alone: no checks, no broker
import { mkdirSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { conclude, countCheck, countFile, say, printLongTest } from './results.js';
import { shareServers, stopServers } from './servers.js';
import { choose, chooseDefault, inSuites, isPure } from './suites.js';
import { reportCoverage, runTests, stopTap } from './tap.js';

/** Where the processes of this run record their output. The search at its end reads it. */
const OUTPUTS = fileURLToPath(new URL('../../.tap/outputs', import.meta.url));

const { values: options, positionals: chosen } = parseArgs({
  allowPositionals: true,
  options: {
    unit: { type: 'boolean', default: false },
    faults: { type: 'boolean', default: false },
    kubernetes: { type: 'boolean', default: false },
    e2e: { type: 'boolean', default: false },
  },
});
const isChosen = chosen.length > 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => void interrupt(signal));

recordOutputs();
const suites = inSuites(isChosen ? await chosenFiles() : await chooseDefault(options));
for (const [index, suite] of suites.entries()) {
  say(`\n${index + 1} of ${suites.length}: ${suite.name}, ${plural(suite.files.length, 'file')}`);
  await runSuite(suite);
}
await stopServers();
if (suites.length > 0) await searchOutputs();
else countCheck('no tests found', false);
process.exitCode = conclude() ? 0 : 1;

async function chosenFiles() {
  const found = await choose(chosen);
  for (const [path, files] of found) if (files.length === 0) countCheck(`no tests at ${path}`, false);
  return [...new Set(found.flatMap(([, files]) => files))];
}

async function runSuite({ files, servers, pace = [] }) {
  const ready = await startServersFor(files, servers);
  if (ready.length === 0) return;
  const isCovered = !isChosen && ready.some(isPure);
  // A chosen file alone need not cover everything. tap's exit code is about the tests: coverage is judged by `tap report` afterwards.
  const coverage = isCovered
    ? ['--allow-incomplete-coverage', '--coverage-report=none']
    : ['--disable-coverage'];
  const reported = new Set();
  let failed = 0;
  const code = await runTests(ready, [...pace, ...coverage], (message) => {
    if (message.kind === 'long test') printLongTest(message);
    if (message.kind !== 'file') return;
    reported.add(message.name);
    failed += message.failed;
    countFile(message);
  });
  const unreported = ready.filter((file) => !reported.has(file));
  if (unreported.length > 0)
    countCheck(`${plural(unreported.length, 'file')} without a result`, false, unreported.join('\n'));
  else if (code !== 0 && failed === 0) countCheck(`tap ended with exit code ${code}`, false);
  if (isCovered) await judgeCoverage();
}

/** Returns the files that can run. If a server does not start, the files that need one count as a failure. */
async function startServersFor(files, servers) {
  const needy = servers.length > 0 ? files.filter((file) => !isPure(file)) : [];
  try {
    await shareServers(needy.length > 0 ? servers : []);
    return files;
  } catch (error) {
    countCheck(`${plural(needy.length, 'file')} not run`, false, String(error?.stack ?? error));
    return files.filter((file) => !needy.includes(file));
  }
}

async function judgeCoverage() {
  const { isComplete, table } = await reportCoverage();
  countCheck('coverage of pure code', isComplete, table);
}

/** Lets every Node process started from here on, except tap, record its output. */
function recordOutputs() {
  rmSync(OUTPUTS, { recursive: true, force: true });
  mkdirSync(OUTPUTS, { recursive: true });
  process.env.MILLRACE_TEST_OUTPUTS = OUTPUTS;
  const recorder = new URL('../outputs/record.js', import.meta.url);
  // The Kafka client sets timers into the past, and Node would warn about it in every test with one.
  const flags = ['--disable-warning=TimeoutNegativeWarning', `--import=${recorder}`];
  process.env.NODE_OPTIONS = [process.env.NODE_OPTIONS, ...flags].filter(Boolean).join(' ');
}

/** Outputs with a secret in them stay, to be looked at. */
async function searchOutputs() {
  const { checkOutputs } = await import('../outputs/check.ts');
  say('');
  const startMs = performance.now();
  const { name, isPassed, output } = await checkOutputs(OUTPUTS, !isChosen && !options.unit);
  countCheck(name, isPassed, output, performance.now() - startMs);
  if (isPassed) rmSync(OUTPUTS, { recursive: true, force: true });
}

/** Ends the tests and the servers of this run. */
async function interrupt(signal) {
  say(`\nended by ${signal}`);
  await Promise.all([stopTap(signal), stopServers()]);
  process.exit(128 + constants.signals[signal]);
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
