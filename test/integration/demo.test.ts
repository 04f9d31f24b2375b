// End to end, as a new user runs it: `millrace demo --once --json`, with fewer earthquakes.
import t from 'tap';
import type { Account } from '../../cli/demo/demo-account.ts';
import { hasPython } from '../../cli/demo/find-python.ts';
import { runCli } from '../cli/fixtures/run-cli.ts';

const limit = 200;

t.test('the demo accounts for every record, and leaves nothing running', async (t) => {
  const { code, stdout, stderr } = await runCli(t, ['demo', '--once', '--json', '--limit', String(limit)]);
  t.equal(code, 0, stderr);
  const account = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Account;
  const names = ['quake-alerts', ...((await hasPython()) ? ['quake-map'] : []), 'quake-stats'];
  t.match(account, { records: limit, duplicates: 0, deadLettered: 0, finalReplicas: 0 });
  t.strictSame(Object.keys(account.triggers).toSorted(), names);
  for (const name of names) {
    const { delivered, filtered, deadLettered, arrived, coldStartsMs } = account.triggers[name]!;
    t.equal(delivered + filtered + deadLettered, limit, `${name}: every record is settled`);
    t.equal(arrived, delivered, `${name}: every delivered record has arrived`);
    t.ok(account.coldStartMs[name]! > 0 && coldStartsMs.length >= 1, `${name}: woke`);
  }
  t.equal(account.triggers['quake-stats']?.delivered, limit);
  t.equal(account.replies, account.triggers['quake-alerts']?.delivered, 'each alert has its notice');
  t.ok(account.maxReplicas >= 1);
});
