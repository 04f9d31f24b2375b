// `millrace blocked` as a process, against servers that answer as gateways do.
import t from 'tap';
import { jsonOutputs } from '../../../cli/program/json-fields.ts';
import { runCli } from '../fixtures/run-cli.ts';
import { adminPort } from '../gateways/fixtures/admin-port.ts';
import { snapshotOf } from '../gateways/fixtures/snapshot.ts';

t.setTimeout(60_000);

const record = (offset: string, since: string) => ({
  topic: 'orders',
  partition: 0,
  offset,
  keyBytes: 2,
  reason: 'exhausted',
  detail: '503 "…"',
  attempts: 11,
  since,
});
const elsewhere = { status: 404, json: { code: 'MILLRACE_SKIP_ELSEWHERE', message: 'not here' } };

t.test('the records that block their lanes, the oldest first, and how to go on with each', async (t) => {
  const one = await adminPort(t, {
    '/v1/triggers': { json: { triggers: [snapshotOf({ key: 'shop/mailer', blocked: 3 }), snapshotOf()] } },
    '/v1/triggers/shop/mailer/blocked': {
      json: { blocked: [record('9', '2026-05-01T10:00:00.000Z'), record('12', '2026-05-03T10:00:00.000Z')] },
    },
  });
  const two = await adminPort(t, {
    '/v1/triggers': { json: { triggers: [snapshotOf({ key: 'geo/alerts', blocked: 1 })] } },
    '/v1/triggers/geo/alerts/blocked': { json: { blocked: [record('7', '2026-05-02T10:00:00.000Z')] } },
  });
  const env = { MILLRACE_GATEWAY_URLS: `${one.url},${two.url}` };
  const { code, stdout, stderr } = await runCli(t, ['blocked'], { env });
  t.equal(code, 0);
  t.equal(stderr, '1 more: a gateway lists the oldest of each trigger\n');
  t.match(stdout, /offset 9 .*(.*\n)+geo\/alerts.* offset 7 .*(.*\n)+.* offset 12 /);
  t.ok(
    stdout.startsWith(
      'shop/mailer: orders partition 0 offset 9 blocks its lane since 2026-05-01T10:00:00.000Z\n' +
        '  exhausted after 11 attempts: 503 "…"\n' +
        '  millrace skip shop/mailer --topic orders --partition 0 --offset 9\n',
    ),
    stdout,
  );

  const named = await runCli(t, ['blocked', 'alerts', '--json', '--gateway', one.url, '--gateway', two.url]);
  const fields = Object.keys(jsonOutputs.blocked?.[0]?.fields ?? {});
  t.strictSame(
    Object.keys(JSON.parse(named.stdout) as object).filter((field) => !fields.includes(field)),
    [],
  );
  t.match(JSON.parse(named.stdout), {
    trigger: 'geo/alerts',
    gateway: two.url,
    offset: '7',
    attempts: 11,
    skip: `millrace skip geo/alerts --topic orders --partition 0 --offset 7 --gateway ${two.url}`,
  });
});

t.test('batches that cannot be read', async (t) => {
  const reason = { reason: 'unreadable', detail: 'its CRC-32C is another', attempts: 0, keyBytes: undefined };
  const since = '2026-05-01T10:00:00.000Z';
  const { url } = await adminPort(t, {
    '/v1/triggers': { json: { triggers: [snapshotOf({ key: 'shop/mailer', unreadable: 2 })] } },
    '/v1/triggers/shop/mailer/blocked': {
      json: {
        blocked: [
          { ...record('9', since), ...reason, lastOffset: '12' },
          { ...record('30', since), ...reason },
        ],
      },
    },
  });
  const { code, stdout, stderr } = await runCli(t, ['blocked'], { env: { MILLRACE_GATEWAY_URLS: url } });
  t.match({ code, stderr }, { code: 0, stderr: '' });
  t.ok(
    stdout.startsWith(
      `shop/mailer: orders partition 0: the batch of the offsets 9 to 12 cannot be read, and its partition waits since ${since}\n` +
        '  its CRC-32C is another\n' +
        '  millrace skip shop/mailer --topic orders --partition 0 --offset 9\n',
    ),
    stdout,
  );
  t.match(stdout, 'the batch at offset 30 cannot be read');
});

t.test('nothing is blocked, nobody serves the trigger, or somebody does not answer', async (t) => {
  const { url } = await adminPort(t, {
    '/v1/triggers': { json: { triggers: [snapshotOf({ key: 'shop/mailer' })] } },
    '/v1/triggers/shop/mailer/blocked': elsewhere,
  });
  const blocked = (...args: string[]) => runCli(t, ['blocked', ...args, '--gateway', url]);
  t.match(await blocked(), { code: 0, stdout: 'no record blocks its lane\n', stderr: '' });
  t.match(await blocked('--json'), { code: 0, stdout: '' });
  t.match(await blocked('shop/other'), { code: 1, stderr: /it does not serve the trigger shop\/other/ });
  const half = await blocked('--gateway', 'http://127.0.0.1:1');
  t.match(half, {
    code: 1,
    stdout: 'no record blocks its lane\n',
    stderr: /127\.0\.0\.1:1 did not answer: /,
  });
});
