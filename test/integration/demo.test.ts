// End to end, as a new user runs it: `millrace demo --once --json`, with fewer earthquakes.
import t from 'tap';
import type { DemoSummary } from '../../cli/demo/demo-summary.ts';
import { hasPython } from '../../cli/demo/find-python.ts';
import { runCli } from '../cli/fixtures/run-cli.ts';

const limit = 200;

t.test('the demo accounts for every record, and leaves nothing running', async (t) => {
  const { code, stdout, stderr } = await runCli(t, ['demo', '--once', '--json', '--limit', String(limit)]);
  t.equal(code, 0, stderr);
  const summary = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as DemoSummary;
  const names = ['quake-alerts', ...((await hasPython()) ? ['quake-map'] : []), 'quake-stats'];
  t.match(summary, { records: limit, duplicates: 0, deadLettered: 0, finalReplicas: 0 });
  t.strictSame(Object.keys(summary.triggers).toSorted(), names);
  for (const name of names) {
    const { delivered, filtered, deadLettered, arrived, coldStartsMs } = summary.triggers[name]!;
    t.equal(delivered + filtered + deadLettered, limit, `${name}: every record is settled`);
    t.equal(arrived, delivered, `${name}: what is delivered has arrived`);
    t.ok(summary.coldStartMs[name]! > 0 && coldStartsMs.length >= 1, `${name}: woke`);
  }
  t.equal(summary.triggers['quake-stats']?.delivered, limit);
  t.equal(summary.replies, summary.triggers['quake-alerts']?.delivered, 'each alert has its notice');
  t.ok(summary.maxReplicas >= 1);
});
