import { request as httpRequest } from 'node:http';
import { Registry } from 'prom-client';
import t, { type Test } from 'tap';
import { startAdminServer, type AdminOptions } from '../../../gateway/admin/admin-server.ts';
import type { SkipAnswer, SkipRequest } from '../../../core/contract/skip.ts';
import { localServerOptions, strictServer } from '../../fixtures/access/open-server.ts';
import { mark } from '../../fixtures/secrets/planted.ts';
import { recordOf } from '../events/build.ts';

const record = recordOf({
  key: 'k',
  value: Buffer.from([0xff, 0x00]),
  offset: 2n ** 60n,
  headers: [
    { name: 'h', value: Buffer.from('x') },
    { name: 'none', value: null },
  ],
});
const skipped: SkipAnswer = { kind: 'settled', settlement: 'skipped', trace: { record, attempts: 3 } };

async function start(t: Test, changes: Partial<AdminOptions> = {}) {
  const asked: [string, SkipRequest][] = [];
  const server = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    metrics: new Registry(),
    triggers: () => [],
    isServing: () => true,
    skip: (key, request) => {
      asked.push([key, request]);
      return Promise.resolve(skipped);
    },
    blocked: () => undefined,
    ...localServerOptions,
    ...changes,
  });
  t.teardown(() => server.close());
  /** By `node:http`, which sends the headers as they are given, and no others. */
  const post = (
    body: unknown,
    headers: Record<string, string> = {},
    path = '/v1/triggers/geo/alerts/skip',
  ): Promise<{ status: number | undefined; headers: object; body: Record<string, unknown> }> =>
    new Promise((resolve, reject) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const all = { 'content-type': 'application/json', ...headers };
      const call = httpRequest(`${server.url}${path}`, { method: 'POST', headers: all }, (response) => {
        let answer = '';
        response.setEncoding('utf8').on('data', (part: string) => (answer += part));
        response.on('end', () => {
          const { statusCode: status, headers: given } = response;
          resolve({ status, headers: given, body: JSON.parse(answer) as Record<string, unknown> });
        });
      });
      call.on('error', reject);
      call.end(text);
    });
  return { server, asked, post };
}

const place = { topic: 'quakes', partition: 3, offset: '7' };

t.test('what is asked, and all that is answered', async (t) => {
  const cause = { reason: 'rejected', detail: 'it said "x"', status: 400, attempts: 3 } as const;
  const reply = {
    id: 'r',
    source: '/fn',
    type: 'notice',
    extensions: { tenant: 7 },
    data: Buffer.from('hi'),
  };
  const deadLetter = { topic: 'dead', partition: 0, offset: 5n };
  const trace = { record, attempts: 3, cause, reply, deadLetter };
  let request: SkipRequest | undefined;
  const { post } = await start(t, {
    skip: (_key, given) => {
      request = given;
      return Promise.resolve({ kind: 'settled', settlement: 'skipped', trace });
    },
  });
  const { status, body } = await post({ ...place, reason: 'no use' }, { 'user-agent': 'me' });
  t.equal(status, 200);
  t.strictSame(body, {
    trigger: 'geo/alerts',
    topic: record.topic,
    partition: record.partition,
    offset: '1152921504606846976',
    settlement: 'skipped',
    attempts: 3,
    cause: { reason: 'rejected', detail: 'it said "x"', status: 400 },
    deadLetter: { topic: 'dead', partition: 0, offset: '5' },
    record: {
      timestampMs: record.timestampMs,
      key: 'aw==',
      value: '/wA=',
      headers: [
        { name: 'h', value: 'eA==' },
        { name: 'none', value: null },
      ],
    },
    reply: { specversion: '1.0', id: 'r', source: '/fn', type: 'notice', tenant: 7, data_base64: 'aGk=' },
  });
  t.strictSame(request, {
    topic: 'quakes',
    partition: 3,
    offset: 7n,
    reason: 'no use',
    by: 'me on this machine at 127.0.0.1',
    deadLetter: true,
    waitMs: 10_000,
  });
});

t.test('the rest may be left out, and is not much', async (t) => {
  const { post, asked } = await start(t);
  const { body } = await post({ partition: 0, offset: '0' });
  t.match(asked, [
    ['geo/alerts', { topic: undefined, reason: '', by: 'a program on this machine at 127.0.0.1' }],
  ]);
  t.strictSame(Object.keys(body).sort(), [
    'attempts',
    'offset',
    'partition',
    'record',
    'settlement',
    'topic',
    'trigger',
  ]);
});

t.test('what is not settled', async (t) => {
  const answers: [SkipAnswer, number, object][] = [
    [
      { kind: 'refused', refusal: 'elsewhere', why: 'not here' },
      404,
      { code: 'MILLRACE_SKIP_ELSEWHERE', message: 'not here' },
    ],
    [
      { kind: 'refused', refusal: 'settled', why: 'it is settled' },
      409,
      { code: 'MILLRACE_SKIP_REFUSED', message: 'it is settled' },
    ],
    [
      { kind: 'pending', why: 'under way', trace: { record, attempts: 0 } },
      202,
      { settlement: 'pending', message: 'under way', record: { key: 'aw==' } },
    ],
  ];
  for (const [answer, status, body] of answers) {
    const { post } = await start(t, { skip: () => Promise.resolve(answer) });
    t.match(await post(place), { status, body });
  }
});

t.test('only who may operate the namespace may skip, and the request names the caller', async (t) => {
  const { options, audited } = strictServer({
    ada: ['operate geo'],
    bob: ['view', 'scrape', 'operate shop'],
  });
  const { post, asked } = await start(t, options);
  t.equal((await post(place)).status, 401);
  t.equal((await post(place, { authorization: 'Bearer bob' })).status, 403);
  t.strictSame(asked, [], 'nobody else does');
  t.equal((await post(place, { authorization: 'Bearer ada' })).status, 200);
  t.match(asked, [['geo/alerts', { by: 'ada at 127.0.0.1' }]]);
  t.match(
    audited.map(({ kind, caller, status, parameters }) => [kind, caller, status, parameters]),
    [
      ['answered', 'unknown', 401, {}],
      ['answered', 'bob', 403, {}],
      ['asked', 'ada', undefined, { namespace: 'geo', name: 'alerts', ...place }],
      ['answered', 'ada', 200, {}],
    ],
  );
});

t.test('what a page of a browser could send without leave is no request', async (t) => {
  const { post, asked, server } = await start(t);
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
    t.match(await post(place, { 'content-type': type }), {
      status: 415,
      body: { code: 'MILLRACE_REQUEST_INVALID' },
    });
  const preflight = await fetch(`${server.url}/v1/triggers/geo/alerts/skip`, {
    method: 'OPTIONS',
    headers: { origin: 'http://evil.com', 'access-control-request-method': 'POST' },
  });
  t.equal(preflight.status, 404);
  t.equal(preflight.headers.get('access-control-allow-origin'), null);
  t.equal(asked.length, 0);
});

t.test('a malformed request is refused with what is wrong, and nothing is guessed', async (t) => {
  const { post, asked } = await start(t);
  const wrong = [
    {},
    { ...place, partition: '3' },
    { ...place, partition: -1 },
    { ...place, partition: 0.5 },
    { ...place, offset: 7 },
    { ...place, offset: '-7' },
    { ...place, offset: '1e3' },
    { ...place, reason: 'x'.repeat(501) },
    { ...place, more: true },
    [],
    null,
    '{',
    '',
  ];
  for (const body of wrong)
    t.match(await post(body), { status: 400, body: { code: 'MILLRACE_REQUEST_INVALID', message: String } });
  t.match(await post(`{"topic":"${'x'.repeat(20_000)}"}`), { status: 413 });
  t.equal(asked.length, 0);
});

t.test('of a batch that cannot be read, its bytes are answered in place of a record', async (t) => {
  const at = { topic: 'quakes', partition: 3, offset: 7n };
  const batch = { ...at, lastOffset: 9n, why: 'it ends', bytes: Buffer.from('hi'), size: 5 };
  const cause = { reason: 'unreadable', detail: 'it ends', attempts: 0 } as const;
  const { post, server } = await start(t, {
    skip: () =>
      Promise.resolve({
        kind: 'settled',
        settlement: 'skipped',
        trace: { record, batch, attempts: 0, cause },
      }),
    blocked: () => [{ ...at, lastOffset: 9n, keyBytes: undefined, cause, sinceMs: 0 }],
  });
  const { body } = await post(place);
  t.match(body, { lastOffset: '9', batch: { size: 5, bytes: 'aGk=' }, cause: { reason: 'unreadable' } });
  t.notOk('record' in body);
  const listed = await (await fetch(`${server.url}/v1/triggers/geo/alerts/blocked`)).json();
  t.match(listed, { blocked: [{ offset: '7', lastOffset: '9', reason: 'unreadable', detail: 'it ends' }] });
});

t.test('an internal failure is reported without its message', async (t) => {
  const { post } = await start(t, { skip: () => Promise.reject(new Error(mark)) });
  const { status, body } = await post(place);
  t.equal(status, 500);
  t.notMatch(JSON.stringify(body), mark);
});

t.test('what blocks: where and why, and neither keys nor what was quoted of them', async (t) => {
  const blocked = {
    topic: 'quakes',
    partition: 3,
    offset: 2n ** 60n,
    keyBytes: 7,
    cause: { reason: 'undecodable', detail: 'the id is "hunter2"', attempts: 0 },
    sinceMs: 0,
  } as const;
  const limits: number[] = [];
  const { server } = await start(t, {
    blocked: (key, limit) => {
      limits.push(limit);
      return key === 'geo/alerts' ? [blocked] : undefined;
    },
  });
  const found = await fetch(`${server.url}/v1/triggers/geo/alerts/blocked`);
  t.strictSame(await found.json(), {
    blocked: [
      {
        topic: 'quakes',
        partition: 3,
        offset: '1152921504606846976',
        keyBytes: 7,
        reason: 'undecodable',
        detail: 'the id is "…"',
        attempts: 0,
        since: '1970-01-01T00:00:00.000Z',
      },
    ],
  });
  const missing = await fetch(`${server.url}/v1/triggers/geo/other/blocked`);
  t.equal(missing.status, 404);
  t.match(await missing.json(), { code: 'MILLRACE_SKIP_ELSEWHERE' });
  t.strictSame(limits, [100, 100]);
});
