// npm test: the static checks, then every test against one Kafka broker. The last line is "N passed, N failed".
//
//   npm test                        everything but test/{faults,kubernetes,charts,e2e,browser}
//   npm test -- --faults --kubernetes --e2e    the same, then those that bring their own brokers, those against an API
//                                   server, and those in a whole cluster (built once, in minutes): what CI runs
//   npm test -- test/a/b.test.ts    these files (or folders) alone, without the static checks
//   npm run test:unit               the tests of pure code alone: no checks, no broker
//
// Nothing stops at the first failure: all that is wrong is shown in one run.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import coverageMap from './coverage-map.js';
import { describeFailure, indent, readTap } from './tap-results.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const tap = join(root, 'node_modules', 'tap', 'dist', 'esm', 'run.mjs');
const COVERAGE_SUMMARY = join(root, '.tap', 'report', 'coverage-summary.json');
/** What this run puts out, for the search at its end. */
const OUTPUTS = join(root, '.tap', 'outputs');
const FAULTS = ['test/faults/'];
const KUBERNETES = ['test/kubernetes/', 'test/charts/'];
const E2E = ['test/e2e/'];
const JOBS = 2;
/** Seconds for one file in a cluster, which starts in one of them. */
const E2E_TIMEOUT = 1_800;
const OUTPUT_LINES = 60;

/** Name to npm script. Each counts as one test. */
const STATIC_CHECKS = {
  types: 'typecheck',
  lint: 'lint',
  format: 'check:format',
  'import rules': 'check:imports',
  'unused code': 'check:unused',
  'mirrored tests': 'check:mirrors',
  dependencies: 'check:dependencies',
};

const { values: options, positionals: chosen } = parseArgs({
  allowPositionals: true,
  options: {
    unit: { type: 'boolean', default: false },
    faults: { type: 'boolean', default: false },
    kubernetes: { type: 'boolean', default: false },
    e2e: { type: 'boolean', default: false },
  },
});

/** Children to end with this process, so that an interrupted run leaves no broker and no test behind. */
const children = new Set();
let kafka;
let apiServer;
let cluster;
let isStopping = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop(signal));

// The Kafka client sets timers into the past, which Node remarks on in each test that has one.
process.env.NODE_OPTIONS =
  `${process.env.NODE_OPTIONS ?? ''} --disable-warning=TimeoutNegativeWarning`.trim();

const isWhole = chosen.length === 0 && !options.unit;
const totals = { passed: 0, failed: 0, skipped: 0 };
const failedNames = [];

if (isWhole) await runStaticChecks();
recordOutputs();
await runTests(chosen);
if (options.kubernetes) await runTests(KUBERNETES);
await stopServers();
if (options.faults) await runTests(FAULTS);
if (options.e2e) await runTests(E2E);
await stopServers();
await searchOutputs();

console.log('');
if (failedNames.length > 0) console.log(`failed: ${failedNames.join(', ')}`);
if (totals.skipped > 0) console.log(`${totals.skipped} skipped`);
process.exitCode = totals.failed > 0 ? 1 : 0;
console.log(`${totals.passed} passed, ${totals.failed} failed`);

async function runStaticChecks() {
  const waiting = Object.entries(STATIC_CHECKS);
  const workers = Array.from({ length: JOBS }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, script] = next;
      const startMs = performance.now();
      const { code, output } = await run(process.execPath, ['--run', script]);
      report(name, code === 0, performance.now() - startMs, output);
    }
  });
  await Promise.all(workers);
}

/** From here on, of each Node process. */
function recordOutputs() {
  rmSync(OUTPUTS, { recursive: true, force: true });
  mkdirSync(OUTPUTS, { recursive: true });
  process.env.MILLRACE_TEST_OUTPUTS = OUTPUTS;
  process.env.NODE_OPTIONS += ` --import=${pathToFileURL(join(root, '.build', 'outputs', 'record.js'))}`;
}

/** They are left to look at where a secret is in them. */
async function searchOutputs() {
  const { checkOutputs } = await import('./outputs/check.ts');
  const startMs = performance.now();
  const { name, isPassed, output } = await checkOutputs(OUTPUTS, isWhole);
  report(name, isPassed, performance.now() - startMs, output);
  if (isPassed) rmSync(OUTPUTS, { recursive: true, force: true });
}

async function runTests(paths) {
  const files = await listTests(paths);
  if (files.length === 0) return report('no tests found', false);
  if (files.some((file) => coverageMap(file) === null && !isIn(file, [...FAULTS, ...E2E])))
    await startKafka();
  if (files.some((file) => isIn(file, KUBERNETES)) && !(await startApiServer())) return;
  if (files.some((file) => isIn(file, E2E)) && !(await startCluster())) return;

  rmSync(COVERAGE_SUMMARY, { force: true });
  // Whether coverage is complete is judged below, so that the exit code speaks of the tests alone.
  const isE2e = files.some((file) => isIn(file, E2E));
  const pace = isE2e ? ['--jobs=1', `--timeout=${E2E_TIMEOUT}`] : [`--jobs=${JOBS}`];
  const args = [tap, 'run', '--reporter=tap', ...pace, '--allow-incomplete-coverage', ...files];
  const child = start(process.execPath, args, ['ignore', 'pipe', 'inherit']);
  const ended = new Promise((resolve) => child.once('close', resolve));
  const results = await readTap(child.stdout, reportFile);
  const code = await ended;

  totals.passed += results.passed;
  totals.failed += results.failed;
  totals.skipped += results.skipped;
  for (const failure of results.failures.filter(({ path }) => path.length === 0)) {
    console.log(describeFailure(failure));
  }
  for (const file of files.filter((name) => !results.files.includes(name)))
    report(`${file} has no result`, false);
  if (results.passed + results.failed === 0) report('no tests ran', false);
  if (code !== 0 && results.failed === 0) report(`tap ended with exit code ${code}`, false);
  if (paths.length === 0) reportCoverage(files, results.output.join(''));
}

async function listTests(paths) {
  const { output } = await run(process.execPath, [tap, 'list', ...paths.flatMap(testsAt)]);
  const files = output.split('\n').filter((line) => line.endsWith('.test.ts'));
  return options.unit ? files.filter((file) => coverageMap(file) !== null) : files;
}

function isIn(file, folders) {
  return folders.some((folder) => file.startsWith(folder));
}

/** A chosen folder means all tests in it; tap itself knows files only. */
function testsAt(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path, { recursive: true }).filter((name) => name.endsWith('.test.ts'));
  return names.sort().map((name) => join(path, name));
}

/** One broker for all tests but those of pure code, unless the caller has one already. */
async function startKafka() {
  if (process.env.MILLRACE_TEST_KAFKA) return;
  try {
    const { startLocalKafka } = await import('../cli/kafka/local-kafka.ts');
    kafka = await startLocalKafka();
    process.env.MILLRACE_TEST_KAFKA = kafka.bootstrapServers;
  } catch (error) {
    report('local Kafka', false, undefined, String(error?.stack ?? error));
  }
}

/** Whether there is one control plane for all tests that only watch and write resources, unless the caller names a cluster. */
async function startApiServer() {
  if (process.env.MILLRACE_TEST_KUBERNETES) return true;
  try {
    const { startControlPlane } = await import('../test/lab/control-plane.ts');
    await buildTools('helm', 'kubeconform');
    apiServer = await startControlPlane();
    process.env.MILLRACE_TEST_KUBERNETES = apiServer.kubeconfig;
    return true;
  } catch (error) {
    report('Kubernetes API server', false, undefined, String(error?.stack ?? error));
    return false;
  }
}

/** Whether there is a cluster, with KEDA and a Kafka of its own, for all tests in one. */
async function startCluster() {
  if (process.env.MILLRACE_TEST_CLUSTER) return true;
  try {
    const lab = await import('../test/lab/cluster.ts');
    await buildTools('helm');
    cluster = await lab.startCluster((line) => console.log(`  ${line}`));
    process.env.MILLRACE_TEST_CLUSTER = join(cluster.dir, 'cluster.json');
    return true;
  } catch (error) {
    report('cluster', false, undefined, String(error?.stack ?? error));
    return false;
  }
}

/** Before a test has to wait for them. */
async function buildTools(...tools) {
  const { toolPath } = await import('../test/lab/tools.ts');
  for (const tool of tools) await toolPath(tool);
}

async function stopServers() {
  const running = [kafka, apiServer, cluster];
  kafka = undefined;
  apiServer = undefined;
  cluster = undefined;
  await Promise.all(running.map((server) => server?.stop()));
}

function reportFile({ name, passed, failed, skipped, timeMs, failures, output }) {
  const counts = [`${passed} passed`, failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`];
  console.log(`${failed > 0 ? '✗' : '✓'} ${name}: ${counts.filter(Boolean).join(', ')} (${seconds(timeMs)})`);
  if (failed === 0) return;
  failedNames.push(name);
  for (const failure of failures) console.log(describeFailure(failure));
  const printed = output.join('').trimEnd();
  if (printed) console.log(`  its output:\n${indent(lastLines(printed), 4)}`);
}

function reportCoverage(files, output) {
  if (files.every((file) => coverageMap(file) === null)) return;
  let summary;
  try {
    summary = JSON.parse(readFileSync(COVERAGE_SUMMARY, 'utf8'));
  } catch {
    return report('coverage of pure code: none was measured', false);
  }
  const isComplete = ['lines', 'branches', 'functions', 'statements'].every(
    (kind) => summary.total[kind].covered === summary.total[kind].total,
  );
  const table = output.split('\n').filter((line) => line.includes('|'));
  report('coverage of pure code', isComplete, undefined, table.join('\n'));
}

/** One line for a check, and its output when it failed; of a passed one, only what it notes. */
function report(name, isPassed, timeMs, output = '') {
  totals[isPassed ? 'passed' : 'failed'] += 1;
  console.log(`${isPassed ? '✓' : '✗'} ${name}${timeMs === undefined ? '' : ` (${seconds(timeMs)})`}`);
  if (isPassed) return (output.match(/^note: .*/gm) ?? []).forEach((note) => console.log(indent(note, 4)));
  failedNames.push(name);
  if (output.trim()) console.log(indent(output.trimEnd(), 4));
}

/** Each child leads a process group, so that what it started ends with it. */
function start(command, args, stdio) {
  const child = spawn(command, args, { cwd: root, stdio, detached: true });
  children.add(child);
  child.once('close', () => children.delete(child));
  return child;
}

async function run(command, args) {
  const child = start(command, args, ['ignore', 'pipe', 'pipe']);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, output };
}

async function stop(signal) {
  if (isStopping) return;
  isStopping = true;
  for (const child of children) signalGroup(child, signal);
  await stopServers();
  for (const child of children) signalGroup(child, 'SIGKILL');
  process.exit(signal === 'SIGINT' ? 130 : 143);
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended by itself.
  }
}

function lastLines(text) {
  const lines = text.split('\n');
  return lines.length <= OUTPUT_LINES ? text : ['…', ...lines.slice(-OUTPUT_LINES)].join('\n');
}

function seconds(timeMs) {
  return `${(timeMs / 1000).toFixed(1)} s`;
}
