// Attempts against real sockets: what a function, or anything in its place, can do to a request.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { Pool } from 'undici';
import { startAttempt, type AttemptRequest, type AttemptResult } from '../../../gateway/delivery/attempt.ts';
import { startFunction } from '../../fixtures/function-server.ts';
import { until } from '../../scaler/fixtures/until.ts';

t.setTimeout(60_000);

function openPool(t: Test, origin: string, options: Pool.Options = {}): Pool {
  const pool = new Pool(origin, {
    connections: 4,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    ...options,
  });
  t.teardown(() => pool.destroy());
  return pool;
}

/** How many results each attempt of this file got. */
const words: number[] = [];

function attempt(pool: Pool, changes: Partial<AttemptRequest> = {}): Promise<AttemptResult> {
  const request = {
    path: '/',
    headers: ['ce-id', '1'],
    body: Buffer.from('{}'),
    timeoutMs: 20_000,
    maxAnswerBytes: 100,
  };
  const index = words.push(0) - 1;
  return new Promise((resolve) => {
    startAttempt(pool, { ...request, ...changes }, (result) => {
      words[index]! += 1;
      resolve(result);
    });
  });
}

/** A bare TCP server, which may write first, last, or nothing. */
async function listen(t: Test, onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const bodyOf = (result: AttemptResult) =>
  result.kind === 'answered' ? result.body?.toString() : result.kind;

t.test('a request arrives as it is, and its answer too', async (t) => {
  const fn = await startFunction(t, { status: 200, headers: { 'x-more': 'yes' }, body: 'thanks' });
  const headers = ['ce-id', 'a%20b', 'content-type', 'text/plain'];
  const result = await attempt(openPool(t, fn.origin), {
    path: '/deep?x=1',
    headers,
    body: Buffer.from('hello'),
  });
  t.match(result, { kind: 'answered', status: 200, headers: { 'x-more': 'yes' } });
  t.equal(bodyOf(result), 'thanks');
  t.match(fn.calls, [
    {
      path: '/deep?x=1',
      headers: { 'ce-id': 'a%20b', 'content-type': 'text/plain' },
      body: Buffer.from('hello'),
    },
  ]);
});

t.test('any status is an answer, and so is one without a body', async (t) => {
  const fn = await startFunction(t);
  const pool = openPool(t, fn.origin);
  for (const status of [204, 301, 429, 500, 599]) {
    fn.answer({ status, headers: { location: '/elsewhere', 'retry-after': '3' } });
    const result = await attempt(pool, { body: null });
    t.match(result, { kind: 'answered', status, headers: { 'retry-after': '3' }, body: undefined });
  }
  t.equal(fn.calls.length, 5, 'redirects are not followed');
});

t.test('a body that is not wanted is not kept, and the connection is used again', async (t) => {
  const fn = await startFunction(t, { status: 200, body: Buffer.alloc(500_000) });
  const pool = openPool(t, fn.origin);
  for (let round = 0; round < 5; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    t.match(await attempt(pool, { maxAnswerBytes: 0 }), { kind: 'answered', status: 200, body: undefined });
  }
  t.equal(await fn.connections(), 1);
});

t.test('a body up to the limit is whole; a longer one is seen to be too long', async (t) => {
  const fn = await startFunction(t);
  const pool = openPool(t, fn.origin);
  for (const [size, seen] of [
    [100, 100],
    [101, 101],
    [5_000_000, 101],
  ] as const) {
    fn.answer({ status: 200, body: 'x'.repeat(size) });
    t.equal(bodyOf(await attempt(pool))?.length, seen, `${size} bytes`);
  }
});

t.test('an answer without end counts by its status, and is cut off', async (t) => {
  for (const maxAnswerBytes of [0, 100]) {
    const origin = await listen(t, (socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 202 Accepted\r\n\r\n');
        const more = () => {
          if (socket.writable) socket.write(Buffer.alloc(65_536, 'x'), more);
        };
        more();
      });
    });
    const pool = openPool(t, origin);
    t.match(await attempt(pool, { maxAnswerBytes }), { kind: 'answered', status: 202 });
    await until(() => pool.stats.connected === 0);
  }
});

t.test('what never comes, or never ends, is given up in time', async (t) => {
  const timeoutMs = 150;
  const given = { kind: 'failed', reason: 'no whole answer within 150 ms' };
  const trickling = (head: string) => (socket: Socket) => {
    socket.write(head);
    const timer = setInterval(() => socket.write('x'), 20);
    socket.once('close', () => clearInterval(timer));
  };
  const silent = await listen(t, () => undefined);
  const headTrickle = await listen(t, trickling('HTTP/1.1 200 OK\r\nx-long: '));
  const bodyTrickle = await listen(t, trickling('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n'));
  for (const [name, origin] of Object.entries({ silent, headTrickle, bodyTrickle })) {
    const pool = openPool(t, origin);
    t.strictSame(await attempt(pool, { timeoutMs }), given, name);
    await until(() => pool.stats.connected === 0);
  }
});

t.test('an answer that breaks off has failed, however good it began', async (t) => {
  const fn = await startFunction(t);
  const pool = openPool(t, fn.origin);
  fn.answer('reset');
  t.match(await attempt(pool), { kind: 'failed', reason: /ECONNRESET|UND_ERR_SOCKET/ });
  fn.answer({ status: 200, headers: { 'content-length': '10' }, body: 'half', end: 'reset' });
  t.match(await attempt(pool), { kind: 'failed' });
  fn.answer({ bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf' });
  t.match(await attempt(pool), { kind: 'failed' });
  fn.answer({ bytes: '' });
  t.match(await attempt(pool), { kind: 'failed' });
  fn.answer(204);
  t.match(await attempt(pool), { kind: 'answered', status: 204 }, 'and the next one goes well');
});

t.test('what is no HTTP has failed', async (t) => {
  for (const bytes of ['SSH-2.0-OpenSSH_9.6\r\n', '\0\x01\x02\x03', 'HTTP/1.1 two hundred\r\n\r\n']) {
    const origin = await listen(t, (socket) => socket.write(bytes));
    t.match(await attempt(openPool(t, origin)), { kind: 'failed' }, JSON.stringify(bytes));
  }
});

t.test('nobody listens: unreachable, so no attempt was made', async (t) => {
  const fn = await startFunction(t);
  await fn.stop();
  t.match(await attempt(openPool(t, fn.origin)), { kind: 'unreachable', reason: /ECONNREFUSED/ });
  t.match(await attempt(openPool(t, 'http://no-such-host.invalid')), { kind: 'unreachable' });
});

t.test('given up before a connection was made: unreachable, for nothing was sent', async (t) => {
  const pool = openPool(t, 'http://10.255.255.1', { connect: () => undefined });
  t.match(await attempt(pool, { timeoutMs: 50 }), { kind: 'unreachable' });
});

t.test('a request that cannot be sent has failed', async (t) => {
  const fn = await startFunction(t);
  const pool = openPool(t, fn.origin);
  t.match(await attempt(pool, { headers: ['ce-id', 'a\r\nhost: b'] }), { kind: 'failed' });
  await pool.destroy();
  t.match(await attempt(pool), { kind: 'failed' });
  t.equal(fn.calls.length, 0);
});

t.test('a pool that is destroyed ends what is under way', async (t) => {
  const fn = await startFunction(t, 'hang');
  const pool = openPool(t, fn.origin);
  const result = attempt(pool);
  await until(() => fn.calls.length === 1);
  await pool.destroy();
  t.match(await result, { kind: 'failed' });
});

t.test('each of these attempts got its result exactly once', async (t) => {
  t.ok(words.length > 20);
  t.strictSame(
    words.filter((times) => times !== 1),
    [],
  );
});
