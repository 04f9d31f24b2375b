// tap's reporter, which runs in the process of `tap run`. When a file ends, it sends its results to .build/test/run.js.
import { indent } from './results.js';

const OUTPUT_LINES = 60;
/** A test that takes this long gets a line of its own. */
const LONG_TEST_MS = 5_000;

/** tap renders a reporter as a component of Ink. This one shows nothing. */
export default function reporter({ test: run }) {
  const watched = new Map();
  run.on('subtestStart', (file) => watched.set(file, watch(file)));
  run.on('subtestEnd', (file) => send(resultsOf(file, watched.get(file))));
  // run.js is gone, so the tests end too.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  return null;
}

function watch(file) {
  const seen = { output: [], notes: [], emptyTests: 0 };
  file.parser.on('extra', (text) => seen.output.push(text));
  file.on('process', ({ stderr }) => stderr.setEncoding('utf8').on('data', (text) => seen.output.push(text)));
  file.parser.on('comment', (text) => seen.notes.push(...(text.match(/(?<=^# )note: .*/gm) ?? [])));
  file.parser.on('result', ({ closingTestPoint, ok, skip, todo }) => {
    if (closingTestPoint && ok && !skip && !todo) seen.emptyTests += 1;
  });
  file.parser.on('assert', ({ closingTestPoint, name, ok, time }) => {
    if (closingTestPoint && time >= LONG_TEST_MS)
      send({ kind: 'long test', name: `${file.name} › ${name}`, isPassed: ok, timeMs: time });
  });
  return seen;
}

function send(message) {
  if (process.connected) process.send(message);
}

/** Counts assertions. A file that fails as a whole counts as one. tap counts a test without assertions as passed; this does not. */
function resultsOf(file, { output, notes, emptyTests }) {
  const { pass, fail, skip, todo } = file.counts;
  const passed = pass - emptyTests;
  const skipped = skip + todo;
  const failures = file.lists.fail.map((result) => describeFailure(result, file.name));
  if (fail === 0 && !file.passing()) failures.push(describeEnd(file));
  else if (passed + fail + skipped === 0) failures.push('no assertions');
  const printed = lastLines(output.join('').trimEnd());
  const outcome = printed ? [...failures, `its output:\n${indent(printed)}`] : failures;
  return {
    kind: 'file',
    name: file.name,
    passed,
    failed: failures.length,
    skipped,
    timeMs: file.time,
    details: (failures.length === 0 ? notes : outcome).join('\n'),
  };
}

function describeEnd({ bailedOut, options: { signal, exitCode } }) {
  if (bailedOut) return `bailed out: ${bailedOut}`;
  return signal ? `ended by ${signal}` : `exit code ${exitCode}`;
}

/** Where the failure is, what was found and wanted, and the stack. */
function describeFailure({ name, fullname, diag }, file) {
  const { at, diff, stack, found, wanted, code, expired, handles, output } = diag ?? {};
  const path = fullname.startsWith(`${file} > `) ? fullname.slice(file.length + 3) : name;
  const lines = [];
  if (at?.fileName) lines.push(`at ${at.fileName}:${at.lineNumber}:${at.columnNumber}`);
  if (diff) lines.push(diff);
  else if (found !== undefined || wanted !== undefined)
    lines.push(`wanted: ${JSON.stringify(wanted)}`, `found:  ${JSON.stringify(found)}`);
  if (code) lines.push(`code ${code}`);
  if (expired) lines.push('still busy when its time was over');
  if (handles) lines.push(`left behind: ${JSON.stringify(handles)}`);
  if (stack) lines.push(stack);
  if (output) lines.push(output);
  return [path.replaceAll(' > ', ' › '), ...lines.map((text) => indent(text.trimEnd()))].join('\n');
}

function lastLines(text) {
  const lines = text.split('\n');
  return lines.length <= OUTPUT_LINES ? text : ['…', ...lines.slice(-OUTPUT_LINES)].join('\n');
}
