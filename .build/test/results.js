// Prints what passed and what failed, and counts for the last line, which is "N passed, N failed".

const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

export function say(line) {
  console.log(line);
}

/** Counts and prints the results of one file. */
export function countFile({ name, passed, failed, skipped, timeMs, details }) {
  const counts = [`${passed} passed`, failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`];
  count({ name, passed, failed, skipped, details });
  printResult(failed === 0, `${name}: ${counts.filter(Boolean).join(', ')}`, timeMs, details);
}

/** Counts and prints a check that is not a test file, such as coverage. It counts as one. */
export function countCheck(name, isPassed, details = '', timeMs = undefined) {
  count({ name, passed: isPassed ? 1 : 0, failed: isPassed ? 0 : 1, skipped: 0, details });
  printResult(isPassed, name, timeMs, isPassed ? '' : details);
}

/** Prints a long test as soon as it ends. It is counted with its file. */
export function printLongTest({ name, isPassed, timeMs }) {
  say(indent(`${isPassed ? '·' : '✗'} ${name} (${seconds(timeMs)})`));
}

/** Prints the failures again, which are far above by now, and the last line. Returns whether nothing failed. */
export function conclude() {
  say('');
  for (const { name, details } of failures) printResult(false, `failed: ${name}`, undefined, details);
  if (totals.skipped > 0) say(`${totals.skipped} skipped`);
  say(`${totals.passed} passed, ${totals.failed} failed`);
  return totals.failed === 0;
}

export function indent(text) {
  return text.replace(/^(?=.)/gm, '  ');
}

function count({ name, passed, failed, skipped, details }) {
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped += skipped;
  if (failed > 0) failures.push({ name, details });
}

function printResult(isPassed, what, timeMs, details) {
  say(`${isPassed ? '✓' : '✗'} ${what}${timeMs === undefined ? '' : ` (${seconds(timeMs)})`}`);
  if (details.trim() !== '') say(indent(details.trimEnd()));
}

function seconds(timeMs) {
  return `${(timeMs / 1000).toFixed(1)} s`;
}
