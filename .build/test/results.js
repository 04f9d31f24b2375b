// Tells what has passed and what has failed, and keeps count for the last line, which is "N passed, N failed".

const totals = { passed: 0, failed: 0, skipped: 0 };
const failedNames = [];

export function say(line) {
  console.log(line);
}

/** What tap has counted of one file. */
export function countFile({ name, passed, failed, skipped, timeMs, details }) {
  const counts = [`${passed} passed`, failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`];
  count({ name, passed, failed, skipped });
  tell(failed === 0, `${name}: ${counts.filter(Boolean).join(', ')}`, timeMs, details);
}

/** What is judged beside the tests, and counts as one. */
export function countCheck(name, isPassed, details = '', timeMs = undefined) {
  count({ name, passed: isPassed ? 1 : 0, failed: isPassed ? 0 : 1, skipped: 0 });
  tell(isPassed, name, timeMs, isPassed ? '' : details);
}

/** Of a test that takes its time, before its file ends. It counts with the file. */
export function tellLongTest({ name, isPassed, timeMs }) {
  say(indent(`${isPassed ? '·' : '✗'} ${name} (${seconds(timeMs)})`));
}

/** The last line, and whether nothing has failed. */
export function conclude() {
  say('');
  if (failedNames.length > 0) say(`failed: ${failedNames.join(', ')}`);
  if (totals.skipped > 0) say(`${totals.skipped} skipped`);
  say(`${totals.passed} passed, ${totals.failed} failed`);
  return totals.failed === 0;
}

export function indent(text) {
  return text.replace(/^(?=.)/gm, '  ');
}

function count({ name, passed, failed, skipped }) {
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped += skipped;
  if (failed > 0) failedNames.push(name);
}

function tell(isPassed, what, timeMs, details) {
  say(`${isPassed ? '✓' : '✗'} ${what}${timeMs === undefined ? '' : ` (${seconds(timeMs)})`}`);
  if (details.trim() !== '') say(indent(details.trimEnd()));
}

function seconds(timeMs) {
  return `${(timeMs / 1000).toFixed(1)} s`;
}
