// `millrace skip` as a process, against servers that answer as gateways do.
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createAuthority } from '../../fixtures/access/authority.ts';
import { planted } from '../../fixtures/secrets/planted.ts';
import { runCli } from '../fixtures/run-cli.ts';
import { adminPort, type AdminPort } from '../gateways/fixtures/admin-port.ts';
import { snapshotOf } from '../gateways/fixtures/snapshot.ts';

t.setTimeout(60_000);

/** A gateway that answers a skip of shop/mailer, and serves `keys`. */
function gateway(t: Test, status: number, answer: object, ...keys: string[]): Promise<AdminPort> {
  const triggers = keys.map((key) => snapshotOf({ key }));
  return adminPort(t, {
    '/v1/triggers/shop/mailer/skip': { status, json: answer },
    '/v1/triggers': { json: { triggers } },
  });
}

const elsewhere = { code: 'MILLRACE_SKIP_ELSEWHERE', message: 'this gateway has not partition 3' };
const skipped = {
  trigger: 'shop/mailer',
  topic: 'orders',
  partition: 3,
  offset: '7',
  settlement: 'skipped',
  record: { value: 'eA==' },
};
const place = ['--partition', '3', '--offset', '7'];

t.test('the gateway that has the partition answers, and standard output is the record', async (t) => {
  const [one, two, three] = [
    await gateway(t, 404, elsewhere),
    await gateway(t, 200, skipped),
    await gateway(t, 200, skipped),
  ];
  const { code, stdout, stderr } = await runCli(
    t,
    ['skip', 'shop/mailer', ...place, '--topic', 'orders', '--reason', 'no use'],
    {
      env: {
        MILLRACE_GATEWAY_URLS: `${one.url}, ${two.url},${three.url}`,
        MILLRACE_ADMIN_TOKEN: planted('admin'),
      },
    },
  );
  t.equal(code, 0);
  t.strictSame(JSON.parse(stdout), skipped);
  t.match(
    stderr,
    /^shop\/mailer: orders partition 3 offset 7 is skipped\. Save the printed record: no dead letter is stored/,
  );
  t.match(two.calls, [
    {
      url: '/v1/triggers/shop/mailer/skip',
      headers: { authorization: `Bearer ${planted('admin')}`, 'user-agent': 'millrace-cli' },
      body: { topic: 'orders', partition: 3, offset: '7', reason: 'no use', deadLetter: true },
    },
  ]);
  t.equal(one.calls.length, 1);
  t.equal(three.calls.length, 0, 'nobody is asked after that');
});

t.test('a batch that cannot be read', async (t) => {
  const batch = { ...skipped, record: undefined, lastOffset: '9', batch: { size: 3, bytes: 'eA==' } };
  const { url } = await gateway(t, 200, batch);
  const { stdout, stderr } = await runCli(t, ['skip', 'shop/mailer', ...place, '--gateway', url]);
  t.match(JSON.parse(stdout), { lastOffset: '9', batch: batch.batch });
  t.match(
    stderr,
    /^shop\/mailer: orders partition 3 batch of the offsets 7 to 9 is skipped\. Save the printed batch/,
  );
});

t.test('a name alone is the trigger that has it; without a topic, a reason, a token', async (t) => {
  const stored = { ...skipped, deadLetter: { topic: 'dead', partition: 0, offset: '9' } };
  const { url, calls } = await gateway(t, 200, stored, 'shop/mailer', 'geo/alerts');
  const { code, stderr } = await runCli(
    t,
    ['skip', 'mailer', ...place, '--no-dead-letter', '--gateway', url],
    {
      env: { MILLRACE_GATEWAY_URLS: 'http://127.0.0.1:1' },
    },
  );
  t.equal(code, 0);
  t.match(stderr, /is skipped, and stored in dead partition 0 offset 9\n$/);
  const asked = calls.at(-1);
  t.strictSame(asked?.body, { partition: 3, offset: '7', deadLetter: false });
  t.equal(asked?.url, '/v1/triggers/shop/mailer/skip');
  t.equal(asked?.headers.authorization, undefined);
});

t.test(
  'a name that no trigger has, or several have, or a silent gateway might have, skips nothing',
  async (t) => {
    const one = await gateway(t, 200, skipped, 'shop/mailer', 'shop/only');
    const two = await gateway(t, 200, skipped, 'geo/mailer');
    const ask = (name: string, ...urls: string[]) =>
      runCli(t, ['skip', name, ...place, ...urls.flatMap((url) => ['--gateway', url])]);
    t.match(await ask('mailer', one.url, two.url), {
      code: 2,
      stderr: /several triggers are called mailer: write geo\/mailer or shop\/mailer/,
    });
    t.match(await ask('mailr', one.url), {
      code: 2,
      stderr: /no gateway serves a trigger mailr; did you mean shop\/mailer\?/,
    });
    t.match(await ask('xyz', one.url), { code: 2, stderr: /`millrace triggers` lists those that are/ });
    t.match(await ask('only', one.url, 'http://127.0.0.1:1'), {
      code: 1,
      stderr: /127\.0\.0\.1:1 did not say .*write namespace\/only/,
    });
    t.ok([...one.calls, ...two.calls].every(({ method }) => method === 'GET'));
  },
);

t.test('a gateway with TLS is trusted by the authority that is named', async (t) => {
  const authority = await createAuthority('/CN=gateway CA');
  const { certificate: cert, key } = await authority.issue({
    subject: '/CN=gateway',
    names: ['DNS:localhost'],
  });
  const server = createTlsServer({ cert, key }, (_request, response) =>
    response.end(JSON.stringify(skipped)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  const ca = join(t.testdir({ 'ca.crt': authority.certificate }), 'ca.crt');
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const skip = ['skip', 'shop/mailer', ...place, '--gateway', url];
  t.equal((await runCli(t, [...skip, '--ca', ca])).code, 0);
  t.equal((await runCli(t, skip, { env: { MILLRACE_GATEWAY_CA: ca } })).code, 0);
  t.match(await runCli(t, skip), { code: 1, stdout: '', stderr: /MILLRACE_GATEWAY_UNREACHABLE/ });
});

t.test('what came of it, in words', async (t) => {
  for (const [answer, words] of [
    [{ ...skipped, settlement: 'pending', message: 'it is under way' }, /will be skipped: it is under way/],
    [{ ...skipped, settlement: 'delivered' }, /was delivered before it could be skipped/],
  ] as const) {
    const { url } = await gateway(t, 200, answer);
    const { code, stdout, stderr } = await runCli(t, ['skip', 'shop/mailer', ...place, '--gateway', url]);
    t.equal(code, 0);
    t.strictSame(JSON.parse(stdout), answer);
    t.match(stderr, words);
  }
});

t.test('what a gateway refuses, no other is asked for', async (t) => {
  const message = 'it is settled already';
  const one = await gateway(t, 409, { code: 'MILLRACE_SKIP_REFUSED', message });
  const two = await gateway(t, 200, skipped);
  const { code, stdout, stderr } = await runCli(t, [
    ...['skip', 'shop/mailer', ...place],
    ...['--gateway', one.url, '--gateway', two.url],
  ]);
  t.match({ code, stdout }, { code: 1, stdout: '' });
  t.match(stderr, /it is settled already\n {2}MILLRACE_SKIP_REFUSED: /);
  t.equal(two.calls.length, 0);
});

t.test('nobody has it, or nobody is there', async (t) => {
  const one = await gateway(t, 404, elsewhere);
  const old = await gateway(t, 404, { message: 'Route not found' });
  const ask = (...urls: string[]) =>
    runCli(t, ['skip', 'shop/mailer', ...place, ...urls.flatMap((url) => ['--gateway', url])]);
  const nowhere = await ask(one.url);
  t.equal(nowhere.code, 1);
  t.match(nowhere.stderr, /this gateway has not partition 3\n {2}MILLRACE_SKIP_ELSEWHERE: /);
  const away = await ask(one.url, 'http://127.0.0.1:1');
  t.match(away.stderr, /127\.0\.0\.1:1: .*\n {2}MILLRACE_GATEWAY_UNREACHABLE: /);
  t.match((await ask(old.url)).stderr, /it answered 404, which this version of Millrace does not\n/);
  t.match(await ask('gateway:9464'), { code: 2, stderr: /MILLRACE_CONFIG_INVALID/ });
});
