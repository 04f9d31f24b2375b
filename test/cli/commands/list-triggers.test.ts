// `millrace triggers` as a process, against servers that answer as gateways and a scaler do.
import t from 'tap';
import { planted } from '../../fixtures/secrets/planted.ts';
import { jsonOutputs } from '../../../cli/program/json-fields.ts';
import { runCli } from '../fixtures/run-cli.ts';
import { adminPort } from '../gateways/fixtures/admin-port.ts';
import { snapshotOf } from '../gateways/fixtures/snapshot.ts';

t.setTimeout(60_000);

const listing = (...triggers: Parameters<typeof snapshotOf>[0][]) => ({
  '/v1/triggers': { json: { triggers: triggers.map(snapshotOf) } },
});

t.test('one table of all gateways, with the backlog that a scaler knows', async (t) => {
  const one = await adminPort(t, listing({ key: 'shop/mailer', partitions: 2, inFlight: 1, delivered: 40 }));
  const failing = { state: 'failing', ready: false, reason: 'topic "x" missing' } as const;
  const two = await adminPort(
    t,
    listing({ key: 'geo/alerts', ...failing }, { key: 'shop/mailer', partitions: 1 }),
  );
  const scaler = await adminPort(t, {
    '/metrics': { text: 'millrace_scaler_backlog_records{namespace="shop",trigger="mailer"} 7\n' },
  });
  const env = {
    MILLRACE_GATEWAY_URLS: `${one.url},${two.url}`,
    MILLRACE_SCALER_URLS: `http://127.0.0.1:1,${scaler.url}`,
    MILLRACE_ADMIN_TOKEN: planted('admin'),
  };
  const { code, stdout, stderr } = await runCli(t, ['triggers'], { env });
  t.match({ code, stderr }, { code: 0, stderr: '' });
  t.strictSame(stdout.trimEnd().split('\n'), [
    'trigger      state      backlog  partitions  in flight  held  blocked  delivered  why',
    'geo/alerts   failing          ?           0          0     0        0          0  topic "x" missing',
    'shop/mailer  consuming        7           3          1     0        0         40',
  ]);
  t.equal(one.calls[0]?.headers.authorization, `Bearer ${planted('admin')}`);

  const json = await runCli(t, ['triggers', '--json'], { env });
  const fields = Object.keys(JSON.parse(json.stdout.trimEnd().split('\n').at(-1) ?? '') as object);
  t.strictSame(fields.toSorted(), Object.keys(jsonOutputs.triggers?.[0]?.fields ?? {}).toSorted());
  t.match(
    json.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
    [
      { trigger: 'geo/alerts', state: 'failing', ready: false, why: 'topic "x" missing' },
      { trigger: 'shop/mailer', backlog: 7, gateways: 2, partitions: 3, inFlight: 1 },
    ],
  );
});

t.test('who does not answer is named, and the rest is shown', async (t) => {
  const { url } = await adminPort(t, listing({ key: 'shop/mailer' }));
  const { code, stdout, stderr } = await runCli(t, [
    ...['triggers', '--gateway', url, '--gateway', 'http://127.0.0.1:1'],
    ...['--scaler', 'http://127.0.0.1:2'],
  ]);
  t.equal(code, 1);
  t.match(stdout, /^shop\/mailer /m);
  t.match(
    stderr,
    /^http:\/\/127\.0\.0\.1:1 did not answer: .*\nhttp:\/\/127\.0\.0\.1:2 did not tell the backlog: /,
  );
  const nobody = await runCli(t, ['triggers', '--gateway', 'http://127.0.0.1:1']);
  t.match(nobody, { code: 1, stdout: '', stderr: /MILLRACE_GATEWAY_UNREACHABLE/ });
});

t.test('no trigger, and no right to see any', async (t) => {
  const none = await adminPort(t, listing());
  t.match(await runCli(t, ['triggers', '--gateway', none.url]), { code: 0, stdout: /^no trigger is served/ });
  const json = { code: 'MILLRACE_ADMIN_UNAUTHENTICATED', message: 'who are you?' };
  const closed = await adminPort(t, { '/v1/triggers': { status: 401, json } });
  t.match(await runCli(t, ['triggers', '--gateway', closed.url]), {
    code: 1,
    stdout: '',
    stderr: /who are you\?\n {2}MILLRACE_ADMIN_UNAUTHENTICATED: /,
  });
  t.match(await runCli(t, ['triggers', '--gateway', 'gateway:9464']), { code: 2, stderr: /is no address/ });
});
