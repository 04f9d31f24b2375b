// Reads a TAP stream: counts its assertions, reports each test file as it ends, and shows what failed.
import { Parser } from 'tap-parser';

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {{ path: string[], result: import('tap-parser').Result | { name: string, diag?: any } }} Failure
 * @typedef {Counts & { failures: Failure[], output: string[] }} Results
 * @typedef {Results & { name: string, timeMs: number }} FileResults
 */

/**
 * Counts are of assertions: a test that only groups others counts for nothing, unless it fails by itself
 * (a crash, a timeout, no tests in it).
 *
 * @param {NodeJS.ReadableStream} stream
 * @param {(file: FileResults) => void} onFile
 * @returns {Promise<Results & { files: string[] }>} `output` is what stood between the files
 */
export async function readTap(stream, onFile) {
  const files = [];
  const parser = new Parser();
  const totals = collect(parser, [], (name, child, timeMs) => {
    files.push(name);
    onFile({ ...child, name, timeMs });
  });
  parser.on('bailout', (reason) => fail(totals, [], { name: `bail out: ${reason}` }));
  await new Promise((resolve) => {
    parser.on('complete', resolve);
    stream.pipe(parser);
  });
  if (parser.results?.ok === false && totals.failed === 0) fail(totals, [], { name: 'the test run itself' });
  return { ...totals, files };
}

function collect(parser, path, onFile) {
  const results = { passed: 0, failed: 0, skipped: 0, failures: [], output: [] };
  let subtest;
  parser.on('extra', (text) => results.output.push(text));
  parser.on('child', (child) => {
    subtest = collect(child, [...path, child.name]);
  });
  parser.on('assert', (result) => {
    const child = subtest;
    subtest = undefined;
    if (child === undefined || !result.closingTestPoint) return count(results, path, result);
    // The output of a subtest belongs to its file; that of a file, to the file alone.
    if (onFile === undefined) results.output.push(...child.output);
    const own = onFile === undefined ? path : [result.name];
    if (!result.ok && child.failed === 0) fail(child, own, result);
    else if (result.skip && onFile === undefined) child.skipped += 1;
    else if (result.skip) fail(child, own, { name: `${result.skip}` });
    results.passed += child.passed;
    results.failed += child.failed;
    results.skipped += child.skipped;
    results.failures.push(...child.failures);
    onFile?.(result.name, child, result.time ?? 0);
  });
  return results;
}

function count(results, path, result) {
  if (result.skip || result.todo) results.skipped += 1;
  else if (result.ok) results.passed += 1;
  else fail(results, path, result);
}

function fail(results, path, result) {
  results.failed += 1;
  results.failures.push({ path, result });
}

/**
 * What a reader needs of one failure: where, what was found and wanted, the stack.
 *
 * @param {Failure} failure
 * @returns {string}
 */
export function describeFailure({ path, result }) {
  const { at, diff, stack, found, wanted, exitCode, signal, handles, code, expired } = result.diag ?? {};
  const lines = [[...path.slice(1), result.name].join(' › ')];
  if (at?.fileName) lines.push(`at ${at.fileName}:${at.lineNumber}:${at.columnNumber}`);
  if (diff) lines.push(diff);
  else if (found !== undefined || wanted !== undefined) {
    lines.push(`wanted: ${JSON.stringify(wanted)}`, `found:  ${JSON.stringify(found)}`);
  }
  if (code) lines.push(`code ${code}`);
  if (expired) lines.push('still busy when its time was over');
  if (handles) lines.push(`left behind: ${JSON.stringify(handles)}`);
  if (signal || exitCode) lines.push(signal ? `ended by ${signal}` : `exit code ${exitCode}`);
  if (stack) lines.push(stack);
  return lines.map((text, index) => indent(text.trimEnd(), index === 0 ? 2 : 4)).join('\n');
}

/**
 * @param {string} text
 * @param {number} by spaces
 */
export function indent(text, by) {
  return text.replace(/^(?=.)/gm, ' '.repeat(by));
}
