// `millrace skip` as a process, against servers that answer as gateways do.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createAuthority } from '../../fixtures/access/authority.ts';
import { planted } from '../../fixtures/secrets/planted.ts';
import { runCli } from '../fixtures/run-cli.ts';

t.setTimeout(60_000);

interface Call {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

async function gateway(t: Test, status: number, answer: object) {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      calls.push({ url: request.url ?? '', headers: request.headers, body: JSON.parse(text) });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
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
      headers: { authorization: `Bearer ${planted('admin')}`, 'user-agent': 'millrace-skip' },
      body: { topic: 'orders', partition: 3, offset: '7', reason: 'no use', deadLetter: true },
    },
  ]);
  t.equal(one.calls.length, 1);
  t.equal(three.calls.length, 0, 'nobody is asked after that');
});

t.test('a name alone is in the namespace default; without a topic, a reason, a token', async (t) => {
  const { url, calls } = await gateway(t, 200, {
    ...skipped,
    deadLetter: { topic: 'dead', partition: 0, offset: '9' },
  });
  const { code, stderr } = await runCli(
    t,
    ['skip', 'mailer', ...place, '--no-dead-letter', '--gateway', url],
    {
      env: { MILLRACE_GATEWAY_URLS: 'http://127.0.0.1:1' },
    },
  );
  t.equal(code, 0);
  t.match(stderr, /is skipped, and stored in dead partition 0 offset 9\n$/);
  t.strictSame(calls[0]?.body, { partition: 3, offset: '7', deadLetter: false });
  t.equal(calls[0]?.url, '/v1/triggers/default/mailer/skip');
  t.equal(calls[0]?.headers.authorization, undefined);
});

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
  t.match((await ask(old.url)).stderr, /it answered 404, so it is no gateway of this version\n/);
  t.match((await ask('gateway:9464')).stderr, /MILLRACE_CONFIG_INVALID/);
});
