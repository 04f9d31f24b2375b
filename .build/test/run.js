// npm test: the static checks, then every test against one Kafka broker. Nothing stops at the first failure: all that is wrong is shown
// in one run. The last line is "N passed, N failed".
//
//   npm test                        everything but test/{faults,kubernetes,charts,e2e}
//   npm test -- --faults --kubernetes --e2e    those, too: what CI runs, as npm run verify
//   npm test -- test/a/b.test.ts    these files (or folders) alone, without the static checks
//   npm run test:unit               the tests of pure code alone: no checks, no broker
import { mkdirSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { conclude, countCheck, countFile, say, tellLongTest } from './results.js';
import { shareServers, stopServers } from './servers.js';
import { choose, chooseDefault, inSuites, isPure } from './suites.js';
import { reportCoverage, runTests, stopTap } from './tap.js';

/** What this run puts out, for the search at its end. */
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
  // A chosen file alone need not cover all. Whether the run has, is asked of tap when it is over: its exit code speaks of the tests.
  const coverage = isCovered
    ? ['--allow-incomplete-coverage', '--coverage-report=none']
    : ['--disable-coverage'];
  const told = new Set();
  let failed = 0;
  const code = await runTests(ready, [...pace, ...coverage], (message) => {
    if (message.kind === 'long test') tellLongTest(message);
    if (message.kind !== 'file') return;
    told.add(message.name);
    failed += message.failed;
    countFile(message);
  });
  const untold = ready.filter((file) => !told.has(file));
  if (untold.length > 0)
    countCheck(`${plural(untold.length, 'file')} without a result`, false, untold.join('\n'));
  else if (code !== 0 && failed === 0) countCheck(`tap ended with exit code ${code}`, false);
  if (isCovered) await judgeCoverage();
}

/** The files that can run. Where a server does not start, those that need one cannot, which is told, and is a failure. */
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

/** From here on, of each Node process but this one and tap. */
function recordOutputs() {
  rmSync(OUTPUTS, { recursive: true, force: true });
  mkdirSync(OUTPUTS, { recursive: true });
  process.env.MILLRACE_TEST_OUTPUTS = OUTPUTS;
  const recorder = new URL('../outputs/record.js', import.meta.url);
  // The Kafka client sets timers into the past, which Node remarks on in each test that has one.
  const flags = ['--disable-warning=TimeoutNegativeWarning', `--import=${recorder}`];
  process.env.NODE_OPTIONS = [process.env.NODE_OPTIONS, ...flags].filter(Boolean).join(' ');
}

/** They are left to look at where a secret is in them. */
async function searchOutputs() {
  const { checkOutputs } = await import('../outputs/check.ts');
  say('');
  const startMs = performance.now();
  const { name, isPassed, output } = await checkOutputs(OUTPUTS, !isChosen && !options.unit);
  countCheck(name, isPassed, output, performance.now() - startMs);
  if (isPassed) rmSync(OUTPUTS, { recursive: true, force: true });
}

/** No broker and no test is left behind. */
async function interrupt(signal) {
  say(`\nended by ${signal}`);
  await Promise.all([stopTap(signal), stopServers()]);
  process.exit(128 + constants.signals[signal]);
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
