import { once } from 'node:events';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import t, { type Test } from 'tap';
import type { Right } from '../../../core/contract/callers.ts';
import { MillraceError } from '../../../core/contract/errors.ts';
import type { Access } from '../../../core/access/authorize.ts';
import { createHttpServer, type HttpServerOptions } from '../../../core/access/http-server.ts';
import { localServerOptions, strictServer, type Grants } from '../../fixtures/access/open-server.ts';
import { makeCertificate } from '../../scaler/fixtures/certificates.ts';
import { until } from '../../scaler/fixtures/until.ts';

const rights: readonly Right[] = ['scrape', 'view', 'operate', 'activate'];
const accesses: readonly Access[] = ['anybody', 'caller', ...rights];

/** Each bearer has the right that is their name; `geo` has two rights in one namespace. */
const grants: Grants = {
  ...Object.fromEntries(rights.map((right) => [right, [right]])),
  nobody: [],
  geo: ['view geo', 'operate geo'],
};

/** A route for each kind of access, with and without a namespace, for reading and for changing. */
async function open(t: Test, options: HttpServerOptions) {
  const server = await createHttpServer(options);
  t.teardown(() => server.close());
  const schema = {
    body: { type: 'object', additionalProperties: false, properties: { n: { type: 'integer' } } },
  };
  for (const access of accesses) {
    const config = { access };
    server.get(`/${access}`, { config }, ({ caller }) => ({ caller: caller?.name ?? null }));
    server.get(`/${access}/:namespace`, { config }, () => ({}));
    server.post(`/${access}/:namespace`, { config, schema }, () => ({}));
  }
  const ask = async (url: string, headers: Record<string, string> = {}, method: 'GET' | 'POST' = 'GET') => {
    const body = method === 'POST' ? { payload: { n: 1 } } : {};
    const answer = await server.inject({
      url,
      method,
      headers: { host: 'gateway.millrace.svc', ...headers },
      ...body,
    });
    return { status: answer.statusCode, headers: answer.headers, text: answer.body };
  };
  const as = (token: string) => ({ authorization: `Bearer ${token}` });
  return { server, ask, as };
}

t.test('a route without a declared access is refused at the start', async (t) => {
  const server = await createHttpServer(localServerOptions);
  t.teardown(() => server.close());
  t.throws(() => server.get('/open', () => ''), /GET \/open declares no access/);
});

t.test('a route that cannot check a right now asks the caller to try again', async (t) => {
  const { options } = strictServer(grants);
  const failures: Error[] = [];
  const server = await createHttpServer({ ...options, onRecognizerError: (error) => failures.push(error) });
  t.teardown(() => server.close());
  server.get('/list', { config: { access: 'anybody' } }, () => {
    throw new MillraceError('MILLRACE_ACCESS_UNKNOWN', 'the API server is away');
  });
  const { statusCode, headers, body } = await server.inject({ url: '/list' });
  t.match({ statusCode, ...headers }, { statusCode: 503, 'retry-after': '1' });
  t.match(JSON.parse(body), { code: 'MILLRACE_ACCESS_UNKNOWN', message: /cannot be checked now/ });
  t.match(failures, [{ message: 'the API server is away' }]);
});

t.test('who may call which route', async (t) => {
  const { ask, as } = await open(t, strictServer(grants).options);
  for (const access of accesses) {
    const isOpen = access === 'anybody';
    t.equal((await ask(`/${access}`)).status, isOpen ? 200 : 401, `${access}, by a stranger`);
    for (const bearer of [...rights, 'nobody']) {
      const isAllowed = isOpen || access === 'caller' || access === bearer;
      t.equal((await ask(`/${access}`, as(bearer))).status, isAllowed ? 200 : 403, `${access}, by ${bearer}`);
    }
  }
  t.equal((await ask('/view/geo', as('geo'))).status, 200);
  t.equal((await ask('/view/shop', as('geo'))).status, 403, 'a right in one namespace is none in another');
  t.equal((await ask('/view', as('geo'))).status, 403, 'nor in all');
  t.equal((await ask('/operate/geo', as('geo'), 'POST')).status, 200);
});

t.test('a route that is open to anybody knows callers with a good token', async (t) => {
  const { ask, as } = await open(t, strictServer(grants).options);
  t.strictSame(JSON.parse((await ask('/anybody', as('view'))).text), { caller: 'view' });
  for (const token of ['foreign', 'expired', 'silent'])
    t.strictSame(JSON.parse((await ask('/anybody', as(token))).text), { caller: null }, token);
});

t.test('what a caller who is refused gets as an answer', async (t) => {
  const { options, unknown } = strictServer(grants);
  const { ask, as } = await open(t, options);
  const refusals: [authorization: Record<string, string>, status: number, answer: object][] = [
    [{}, 401, { code: 'MILLRACE_ADMIN_UNAUTHENTICATED', message: /a bearer token is required/ }],
    [
      { authorization: 'Basic YTpi' },
      401,
      { code: 'MILLRACE_ADMIN_UNAUTHENTICATED', message: /no bearer token/ },
    ],
    [
      { authorization: 'Bearer a b' },
      401,
      { code: 'MILLRACE_ADMIN_UNAUTHENTICATED', message: /no bearer token/ },
    ],
    [
      as('foreign'),
      401,
      { code: 'MILLRACE_ADMIN_UNAUTHENTICATED', message: /the bearer token is not known/ },
    ],
    [as('expired'), 401, { code: 'MILLRACE_ADMIN_UNAUTHENTICATED', message: 'the token is over' }],
    [
      as('nobody'),
      403,
      { code: 'MILLRACE_ADMIN_FORBIDDEN', message: 'nobody has no right to view in namespace geo' },
    ],
    [as('silent'), 503, { code: 'MILLRACE_ACCESS_UNKNOWN', message: /cannot be checked now/ }],
  ];
  for (const [headers, status, answer] of refusals) {
    const { status: found, headers: received, text } = await ask('/view/geo', headers);
    t.equal(found, status, text);
    t.match(JSON.parse(text), answer);
    t.equal(received['www-authenticate'], status === 401 ? 'Bearer realm="millrace"' : undefined);
    t.equal(received['retry-after'], status === 503 ? '1' : undefined);
  }
  t.match(unknown, [{ message: 'planted: nobody answers' }], 'the cause is for the log');
});

t.test(
  'programs on this machine, where they are trusted: neither what a proxy nor what a page sends',
  async (t) => {
    const { ask } = await open(t, localServerOptions);
    const trusted: Record<string, string>[] = [
      { host: 'localhost' },
      { host: '127.0.0.1:9464' },
      { host: '[::1]:9464' },
      { host: 'localhost', 'sec-fetch-site': 'none' },
    ];
    for (const headers of trusted)
      t.equal((await ask('/view', headers)).status, 200, JSON.stringify(headers));
    const strangers: Record<string, string>[] = [
      { host: 'gateway.shop:9464' },
      { host: 'localhost.evil.com' },
      { host: 'localhost', origin: 'http://localhost:9464' },
      { host: 'localhost', 'sec-fetch-site': 'cross-site' },
      { host: 'localhost', 'sec-fetch-site': 'same-site' },
      { host: 'localhost', 'x-forwarded-for': '127.0.0.1' },
      { host: 'localhost', forwarded: 'for=127.0.0.1' },
      { host: 'localhost', via: '1.1 proxy' },
      { host: 'localhost', authorization: 'Bearer wrong' },
    ];
    for (const headers of strangers)
      t.equal((await ask('/view', headers)).status, 401, JSON.stringify(headers));
    const { server } = await open(t, localServerOptions);
    const remote = await server.inject({
      url: '/view',
      headers: { host: 'localhost' },
      remoteAddress: '10.1.2.3',
    });
    t.equal(remote.statusCode, 401, 'the name of this machine, from another');
  },
);

t.test('a page of another origin changes nothing, whatever token it sends', async (t) => {
  const { options, audited } = strictServer(grants);
  const { ask, as } = await open(t, options);
  const pages = [
    { origin: 'https://evil.com' },
    { origin: 'https://evil.com', 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
  ] as const;
  for (const page of pages)
    t.equal(
      (await ask('/operate/geo', { ...as('operate'), ...page }, 'POST')).status,
      403,
      JSON.stringify(page),
    );
  t.strictSame(new Set(audited.map(({ status }) => status)), new Set([403]));
  const own = { origin: 'https://gateway.millrace.svc', 'sec-fetch-site': 'same-origin' };
  t.equal((await ask('/operate/geo', { ...as('operate'), ...own }, 'POST')).status, 200);
});

t.test('no answer may be cached, framed or read by another origin', async (t) => {
  const { ask, as } = await open(t, strictServer(grants).options);
  for (const url of ['/anybody', '/view', '/nowhere']) {
    const { headers } = await ask(url, as('view'));
    t.match(headers, {
      'cache-control': 'no-store',
      'content-security-policy':
        "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    t.equal(headers['access-control-allow-origin'], undefined);
  }
});

t.test('an action is audited before it is done, and when it has ended', async (t) => {
  const { options, audited } = strictServer(grants);
  const { server, ask, as } = await open(t, options);
  await ask('/operate/geo', as('geo'), 'POST');
  const entry = { caller: 'geo', address: '127.0.0.1', action: 'POST /operate/:namespace' };
  t.strictSame(audited.splice(0), [
    { kind: 'asked', status: undefined, ...entry, parameters: { namespace: 'geo', n: 1 } },
    { kind: 'answered', status: 200, ...entry, parameters: { namespace: 'geo' } },
  ]);
  await ask('/operate/shop', as('geo'), 'POST');
  await ask('/operate/shop', {}, 'POST');
  const headers = { ...as('geo'), host: 'a' };
  await server.inject({ url: '/operate/geo', method: 'POST', headers, payload: { planted: 'in no log' } });
  await ask('/view/geo', as('geo'));
  t.match(
    audited.map(({ kind, caller, status, parameters }) => [kind, caller, status, parameters]),
    [
      ['answered', 'geo', 403, { namespace: 'shop' }],
      ['answered', 'unknown', 401, { namespace: 'shop' }],
      ['answered', 'geo', 400, { namespace: 'geo' }],
    ],
    'refused callers are audited too, a malformed body is not repeated, and reading is no action',
  );
  t.equal(audited.length, 3);
});

t.test(
  'the rate limit applies to an address, whatever token it sends, and not to other addresses',
  async (t) => {
    const { server } = await open(t, strictServer(grants).options);
    const from = (remoteAddress: string) =>
      server.inject({ url: '/view', headers: { host: 'a', authorization: 'Bearer guess' }, remoteAddress });
    for (let asked = 0; asked < 1_200; asked += 1) await from('10.0.0.1');
    const { statusCode, headers, body } = await from('10.0.0.1');
    t.equal(statusCode, 429);
    t.match(JSON.parse(body), { code: 'MILLRACE_ADMIN_THROTTLED' });
    t.ok(Number(headers['retry-after']) > 0);
    t.equal((await from('10.0.0.2')).statusCode, 401);
  },
);

t.test('an internal error is not shown to the caller', async (t) => {
  const failed: Error[] = [];
  const server = await createHttpServer({
    ...localServerOptions,
    onFailed: (error) => void failed.push(error),
  });
  t.teardown(() => server.close());
  server.get('/broken', { config: { access: 'anybody' } }, () => {
    throw new Error('planted: a password');
  });
  const { statusCode, body } = await server.inject('/broken');
  t.equal(statusCode, 500);
  t.notMatch(body, 'planted');
  t.match(failed, [{ message: 'planted: a password' }], 'but to the log');
});

t.test('TLS, by a certificate that is replaced while connections are open', async (t) => {
  const folder = t.testdir();
  await makeCertificate(folder, 'first');
  await makeCertificate(folder, 'second');
  const [certPath, keyPath] = [join(folder, 'shown.crt'), join(folder, 'shown.key')];
  const show = async (name: string) => {
    await copyFile(join(folder, `${name}.crt`), certPath);
    await copyFile(join(folder, `${name}.key`), keyPath);
  };
  await show('first');
  const changes: object[] = [];
  const { server } = await open(t, {
    ...localServerOptions,
    tls: { certPath, keyPath },
    certificateCheckMs: 20,
    onCertificate: (change) => void changes.push(change),
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as { port: number };
  const subjectNow = () =>
    new Promise<unknown>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().subject.CN);
        socket.destroy();
      }).on('error', reject);
    });
  t.equal(await subjectNow(), 'first');
  const old = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  t.teardown(() => old.destroy());
  await writeFile(keyPath, 'no key');
  await until(() => changes.length === 1);
  t.match(changes, [{ error: { code: 'MILLRACE_CONFIG_INVALID' } }]);
  t.equal(await subjectNow(), 'first', 'a certificate that cannot be used changes nothing');
  await show('second');
  await until(async () => (await subjectNow()) === 'second');
  t.match(changes.at(-1), { validTo: String });
  const answered = once(old, 'data') as Promise<[Buffer]>;
  old.write('GET /anybody HTTP/1.1\r\nhost: a\r\n\r\n');
  t.match(String(await answered), /^HTTP\/1.1 200/, 'a connection that was open goes on');
  await t.rejects(
    createHttpServer({ ...localServerOptions, tls: { certPath, keyPath: join(folder, 'nowhere') } }),
    {
      code: 'MILLRACE_CONFIG_INVALID',
    },
  );
});
