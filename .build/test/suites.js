// Which tests run together: what they share, and at what pace. The suites are in the order in which they run.
import { statSync } from 'node:fs';
import coverageMap from '../coverage-map.js';
import { listTests } from './tap.js';

/** A suite with a `flag` runs where it is asked for. It has the files whose path begins or ends so; the suite without either has all others. */
const SUITES = [
  { name: 'static checks', starts: ['test/checks.test.ts'], servers: [] },
  { name: 'unit and integration tests', servers: ['kafka'] },
  {
    name: 'tests against a Kubernetes API server, and of the chart',
    flag: 'kubernetes',
    starts: ['test/kubernetes/', 'test/charts/'],
    servers: ['kafka', 'apiServer'],
  },
  // Those of one room wait for the time-outs of real brokers: too long for every run.
  { name: 'faults of brokers', flag: 'faults', ends: ['.faults.test.ts'], servers: ['kafka'] },
  // Alone: what its seeds demand is a matter of seconds, and other clusters beside its own would take the CPU that it needs.
  { name: 'fault suite', flag: 'faults', starts: ['test/faults/'], servers: [], pace: ['--jobs=1'] },
  // Two at a time would share one node, and KEDA's patience. The limit is for one that starts a cluster of its own.
  {
    name: 'tests in a cluster',
    flag: 'e2e',
    starts: ['test/e2e/'],
    servers: ['cluster'],
    pace: ['--jobs=1', '--timeout=1800'],
  },
];

/** The tests of pure code need no server. */
export function isPure(file) {
  return coverageMap(file) !== null;
}

/** The files of each path, by path. A folder means all tests in it: tap finds no `.ts` in one by itself. */
export async function choose(paths) {
  const patterns = paths.map((path) => (isFolder(path) ? `${path.replace(/\/+$/, '')}/**/*.test.ts` : path));
  return Promise.all(patterns.map(async (pattern, index) => [paths[index], await listTests([pattern])]));
}

/** What .taprc has tap run, and the suites that are asked for; with `unit`, the tests of pure code alone. */
export async function chooseDefault({ unit, ...flags }) {
  const files = await listTests([]);
  if (unit) return files.filter(isPure);
  const asked = SUITES.filter(({ flag }) => flags[flag]);
  const others = await choose(
    asked.flatMap(({ starts = [], ends = [] }) => [...starts, ...ends.map((end) => `test/**/*${end}`)]),
  );
  return [...files, ...others.flatMap(([, found]) => found)];
}

export function inSuites(files) {
  const belongs = (file, { starts = [], ends = [] }) =>
    starts.some((start) => file.startsWith(start)) || ends.some((end) => file.endsWith(end));
  return SUITES.map((suite) => ({
    ...suite,
    files: files.filter((file) =>
      suite.flag || suite.starts ? belongs(file, suite) : !SUITES.some((other) => belongs(file, other)),
    ),
  })).filter((suite) => suite.files.length > 0);
}

function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
