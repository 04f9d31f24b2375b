// `millrace check` as a process, against servers that are well, and that are not.
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { createAuthority } from '../../fixtures/access/authority.ts';
import { makeCertificate } from '../../scaler/fixtures/certificates.ts';
import { runCli, startCli } from '../fixtures/run-cli.ts';

t.setTimeout(60_000);

async function httpServer(t: Test, answers: readonly [status: number, body: string][]): Promise<string> {
  let asked = 0;
  const server = createServer((_request, response) => {
    const [status, body] = answers[Math.min(asked, answers.length - 1)]!;
    asked += 1;
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`;
}

async function grpcServer(t: Test, credentials: ServerCredentials): Promise<number> {
  const server = new Server();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  t.teardown(() => server.forceShutdown());
  return port;
}

t.test('waits until all are well', async (t) => {
  const http = await httpServer(t, [
    [503, 'waiting'],
    [200, 'ready'],
  ]);
  const grpc = `grpc://127.0.0.1:${await grpcServer(t, ServerCredentials.createInsecure())}`;
  const { code, stdout, stderr } = await runCli(t, ['check', http, grpc]);
  t.match({ code, stderr }, { code: 0, stderr: '' });
  t.strictSame(stdout.trim().split('\n').toSorted(), [`ok ${grpc}`, `ok ${http}`]);
});

t.test('says who is not, and what it answered', async (t) => {
  const well = await httpServer(t, [[200, 'ready']]);
  const unwell = await httpServer(t, [[503, '{"status":"waiting"}']]);
  const { code, stdout } = await runCli(t, ['check', well, unwell, '--timeout', 'PT1S']);
  t.equal(code, 1);
  t.match(stdout, `ok ${well}\n`);
  t.match(stdout, `not ok ${unwell}: 503 {"status":"waiting"}`);
  const json = await runCli(t, ['check', unwell, '--timeout', 'PT0S', '--json']);
  t.match(
    { ...json, ...(JSON.parse(json.stdout) as object) },
    { code: 1, url: unwell, ok: false, error: /^503 / },
  );
});

t.test('TLS: by the authorities that are named, for the name that is asked', async (t) => {
  const [one, two] = [await createAuthority('/CN=one CA'), await createAuthority('/CN=two CA')];
  const dir = t.testdir({ one: one.certificate, two: two.certificate });
  const leaf = { subject: '/CN=scaler', names: ['DNS:localhost'] };
  const [shown, other] = [await one.issue(leaf), await two.issue(leaf)];
  const pair = { private_key: Buffer.from(shown.key), cert_chain: Buffer.from(shown.certificate) };
  const grpcPort = await grpcServer(t, ServerCredentials.createSsl(null, [pair]));
  const https = createTlsServer({ cert: other.certificate, key: other.key }, (_request, response) => {
    response.end('ready');
  });
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => https.close(resolve).closeAllConnections()));
  const { port: httpsPort } = https.address() as AddressInfo;
  const check = (host: string, ...authorities: string[]) =>
    runCli(t, [
      ...['check', `grpcs://${host}:${grpcPort}`, `https://${host}:${httpsPort}/readyz`, '--timeout', 'PT0S'],
      ...authorities.flatMap((name) => ['--ca', join(dir, name)]),
    ]);
  t.match(await check('localhost', 'one', 'two'), { code: 0, stdout: /^ok .*\nok / });
  const half = await check('localhost', 'one');
  t.equal(half.code, 1);
  t.match(half.stdout, /^not ok https/m);
  t.match(half.stdout, /^ok grpcs/m);
  t.match(await check('localhost'), { code: 1, stdout: /^not ok .*\nnot ok / }, 'nobody known has signed');
  t.match(await check('127.0.0.1', 'one', 'two'), { code: 1, stdout: /^not ok .*\nnot ok / }, 'another name');
});

t.test('TLS that asks who calls: by the certificate that is named', async (t) => {
  const dir = t.testdir();
  const { ca, cert, key } = await makeCertificate(dir, 'scaler');
  await makeCertificate(dir, 'stranger');
  const port = await grpcServer(
    t,
    ServerCredentials.createSsl(ca, [{ private_key: key, cert_chain: cert }], true),
  );
  const check = (...more: string[]) => {
    const trust = ['--ca', join(dir, 'scaler-ca.crt')];
    return runCli(t, ['check', `grpcs://localhost:${port}`, '--timeout', 'PT0S', ...trust, ...more]);
  };
  const shown = (name: string) => [
    ...['--client-cert', join(dir, `${name}.crt`)],
    ...['--client-key', join(dir, `${name}.key`)],
  ];
  t.match(await check(...shown('scaler')), { code: 0, stdout: /^ok / });
  t.match(await check(...shown('stranger')), { code: 1, stdout: /^not ok / });
  t.match(await check(), { code: 1, stdout: /^not ok / });
  t.match(await check('--client-cert', join(dir, 'scaler.crt')), {
    code: 2,
    stderr: /--client-cert and --client-key go together/,
  });
});

t.test('Ctrl-C ends it without a word', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(503).end();
    check.interrupt();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  const { port } = server.address() as AddressInfo;
  const check = startCli(t, ['check', `http://127.0.0.1:${port}/readyz`]);
  t.strictSame(await check.ended, { code: 130, stdout: '', stderr: '' });
});

t.test('an address that cannot be checked is an error', async (t) => {
  const { code, stderr } = await runCli(t, ['check', 'scaler:6000']);
  t.equal(code, 2);
  t.match(stderr, /scaler:6000 cannot be checked: write an http/);
});
