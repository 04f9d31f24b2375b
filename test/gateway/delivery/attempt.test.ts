// Attempts against real sockets: what a function, or anything in its place, can do to a request.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { startAttempt, type AttemptRequest, type AttemptResult } from '../../../gateway/delivery/attempt.ts';
import { createConnectGuard, type ConnectGuard } from '../../../core/network/connect-guard.ts';
import { Connections } from '../../../gateway/http/connections.ts';
import { startFunction } from '../../fixtures/function-server.ts';
import { until } from '../../scaler/fixtures/until.ts';

t.setTimeout(60_000);

function open(t: Test, origin: string): Connections {
  const connections = new Connections(origin, {});
  t.teardown(() => connections.destroy());
  return connections;
}

/** How many results each attempt of this file got. */
const words: number[] = [];

function attempt(connections: Connections, changes: Partial<AttemptRequest> = {}): Promise<AttemptResult> {
  const request = {
    path: '/',
    headers: ['ce-id', '1'],
    body: Buffer.from('{}'),
    timeoutMs: 20_000,
    maxAnswerBytes: 100,
  };
  const index = words.push(0) - 1;
  return new Promise((resolve) => {
    startAttempt(connections, { ...request, ...changes }, (result) => {
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
  const result = await attempt(open(t, fn.origin), {
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
  const connections = open(t, fn.origin);
  for (const status of [204, 301, 429, 500, 599]) {
    fn.answer({ status, headers: { location: '/elsewhere', 'retry-after': '3' } });
    const result = await attempt(connections, { body: null });
    t.match(result, { kind: 'answered', status, headers: { 'retry-after': '3' }, body: undefined });
  }
  t.equal(fn.calls.length, 5, 'redirects are not followed');
});

t.test('a body that is not wanted is not kept, and the connection is used again', async (t) => {
  const fn = await startFunction(t, { status: 200, body: Buffer.alloc(500_000) });
  const connections = open(t, fn.origin);
  for (let round = 0; round < 5; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    t.match(await attempt(connections, { maxAnswerBytes: 0 }), {
      kind: 'answered',
      status: 200,
      body: undefined,
    });
  }
  t.equal(await fn.connections(), 1);
});

t.test('a body up to the limit is whole; a longer one is seen to be too long', async (t) => {
  const fn = await startFunction(t);
  const connections = open(t, fn.origin);
  for (const [size, seen] of [
    [100, 100],
    [101, 101],
    [5_000_000, 101],
  ] as const) {
    fn.answer({ status: 200, body: 'x'.repeat(size) });
    t.equal(bodyOf(await attempt(connections))?.length, seen, `${size} bytes`);
  }
});

t.test(
  'a body in single bytes costs its bytes, and one that is cut as it ends leaves no connection',
  async (t) => {
    const chunks = '1\r\nx\r\n'.repeat(100_000);
    const origin = await listen(t, (socket) =>
      socket.on('data', () =>
        socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`),
      ),
    );
    const connections = open(t, origin);
    const whole = await attempt(connections, { maxAnswerBytes: 100_000 });
    t.equal(bodyOf(whole), 'x'.repeat(100_000));
    t.equal(connections.size, 1);
    const large = Buffer.concat([
      Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n'),
      Buffer.alloc(1_048_577),
    ]);
    const cut = open(t, await listen(t, (socket) => socket.on('data', () => socket.write(large))));
    for (let round = 0; round < 3; round += 1)
      t.match(await attempt(cut, { maxAnswerBytes: 0 }), { kind: 'answered', status: 200 });
    t.equal(cut.size, 0);
  },
);

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
    const connections = open(t, origin);
    t.match(await attempt(connections, { maxAnswerBytes }), { kind: 'answered', status: 202 });
    await until(() => connections.size === 0);
  }
});

t.test('what never comes, or never ends, is given up in time: what came of it stands', async (t) => {
  const timeoutMs = 150;
  const cut = 'no whole answer within 150 ms';
  const trickling = (head: string) => (socket: Socket) => {
    socket.write(head);
    const timer = setInterval(() => socket.write('x'), 20);
    socket.once('close', () => clearInterval(timer));
  };
  const silent = await listen(t, () => undefined);
  const headTrickle = await listen(t, (socket) =>
    socket.once('data', () => trickling('HTTP/1.1 200 OK\r\nx-long: ')(socket)),
  );
  const bodyTrickle = await listen(t, (socket) =>
    socket.once('data', () => trickling('HTTP/1.1 202 OK\r\ncontent-length: 1000000\r\n\r\n')(socket)),
  );
  for (const origin of [silent, headTrickle, bodyTrickle]) {
    const connections = open(t, origin);
    const result = await attempt(connections, { timeoutMs });
    t.match(
      result,
      origin === bodyTrickle ? { kind: 'answered', status: 202, cut } : { kind: 'failed', reason: cut },
    );
    t.equal(connections.size, 0);
  }
});

/** What a server that sends these many bytes of its answer, and ends, has certainly said. */
t.test(
  'an answer that breaks off at any byte: failed before its head is whole, and then its status stands',
  async (t) => {
    const head = 'HTTP/1.1 201 Created\r\nx-a: 1\r\ncontent-length: 4\r\n\r\n';
    const answer = Buffer.from(`${head}done`);
    let size = 0;
    for (const ending of ['end', 'resetAndDestroy'] as const) {
      const origin = await listen(t, (socket) =>
        socket.once('data', () => {
          const finish = (): unknown => setTimeout(() => socket[ending](), 5);
          if (size === 0) finish();
          else socket.write(answer.subarray(0, size), finish);
        }),
      );
      for (size = 0; size <= answer.length; size += 1) {
        const result = await attempt(open(t, origin));
        if (size < head.length) t.match(result, { kind: 'failed' }, `${ending} after ${size} bytes`);
        else if (size < answer.length)
          t.match(
            result,
            { kind: 'answered', status: 201, cut: /ECONNRESET|closed the connection/ },
            `${ending} after ${size} bytes`,
          );
        else t.match(result, { kind: 'answered', status: 201, cut: undefined, body: Buffer.from('done') });
      }
    }
  },
);

t.test('a request of which a part was sent', async (t) => {
  const origin = await listen(t, (socket) => {
    socket.pause();
    setTimeout(() => socket.resetAndDestroy(), 100);
  });
  const result = await attempt(open(t, origin), { body: Buffer.alloc(64 << 20) });
  t.match(result, { kind: 'failed', reason: /before the request was sent whole/ });
});

t.test('an answer before the request has left stands, and the connection is not used again', async (t) => {
  const origin = await listen(t, (socket) => {
    socket.once('data', () => {
      socket.pause();
      socket.write('HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n');
    });
  });
  const connections = open(t, origin);
  t.match(await attempt(connections, { body: Buffer.alloc(64 << 20) }), { kind: 'answered', status: 413 });
  t.equal(connections.size, 0);
});

t.test('a connection that closes when it is used again: once more, as the same attempt', async (t) => {
  let connected = 0;
  const served: number[] = [];
  const origin = await listen(t, (socket) => {
    const index = (connected += 1);
    socket.once('data', () => {
      served.push(index);
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      // Closed by the second request, without a word: as a server does whose keep-alive has just run out.
      socket.once('data', () => socket.destroy());
    });
  });
  const connections = open(t, origin);
  for (let round = 1; round <= 5; round += 1)
    t.match(await attempt(connections), { kind: 'answered', status: 200 });
  t.strictSame(served, [1, 2, 3, 4, 5]);
});

t.test('but a new connection that closes without a word counts', async (t) => {
  let connected = 0;
  const origin = await listen(t, (socket) => {
    connected += 1;
    socket.once('data', () => socket.end());
  });
  t.match(await attempt(open(t, origin)), { kind: 'failed', reason: 'the function closed the connection' });
  t.equal(connected, 1);
});

t.test('a function that goes away with its idle connections was not reached', async (t) => {
  const fn = await startFunction(t);
  const connections = open(t, fn.origin);
  await attempt(connections);
  await fn.stop();
  t.match(await attempt(connections), { kind: 'unreachable', reason: /ECONNREFUSED/ });
});

t.test('what cannot be read as an answer has failed, or stands by its head', async (t) => {
  const answers: [bytes: string, AttemptResult['kind'], reason: RegExp][] = [
    ['SSH-2.0-OpenSSH_9.6\r\n', 'failed', /cannot be read: "SSH-2.0-OpenSSH_9.6" is not a status line/],
    ['\0\x01\x02\x03\r\n\r\n', 'failed', /is not a status line/],
    ['HTTP/1.1 two hundred\r\n\r\n', 'failed', /is not a status line/],
    ['HTTP/1.1 200 OK\n\n', 'failed', /ends without a carriage return/],
    [
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      'answered',
      /content-length is "1, 2"/,
    ],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n', 'answered', /not the size of a chunk/],
  ];
  for (const [bytes, kind, reason] of answers) {
    const origin = await listen(t, (socket) => socket.once('data', () => socket.write(bytes)));
    const connections = open(t, origin);
    const result = await attempt(connections);
    t.match(result, kind === 'failed' ? { kind, reason } : { kind, status: 200, cut: reason }, bytes);
    t.equal(connections.size, 0);
  }
});

t.test('what a function sends that nobody asked for', async (t) => {
  const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
  const bytes = [
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n',
    ok,
    ok.replace('200', '500'),
  ];
  const origin = await listen(t, (socket) => socket.on('data', () => socket.write(bytes.join(''))));
  const connections = open(t, origin);
  for (let round = 0; round < 3; round += 1) {
    t.match(
      await attempt(connections),
      { kind: 'answered', status: 200 },
      'the second answer is nobody\u2019s',
    );
    t.equal(connections.size, 0);
  }
});

t.test('nobody listens: unreachable, so no attempt was made', async (t) => {
  const fn = await startFunction(t);
  await fn.stop();
  t.match(await attempt(open(t, fn.origin)), { kind: 'unreachable', reason: /ECONNREFUSED/ });
  t.match(await attempt(open(t, 'http://no-such-host.invalid')), { kind: 'unreachable' });
});

t.test('where there is no connection nothing was sent, whatever the reason is called', async (t) => {
  for (const code of ['EPERM', 'EADDRNOTAVAIL', 'EACCES', 'EMFILE', 'ESOMETHING_NEW']) {
    const lookup: ConnectGuard['lookup'] = (_name, _options, callback) =>
      callback(Object.assign(new Error('refused'), { code }), []);
    const guard = { ...createConnectGuard({ apiServerHosts: [] }), lookup };
    const connections = new Connections('http://fn.test', { guard });
    t.match(await attempt(connections), { kind: 'unreachable', reason: `${code}: refused`, code });
  }
});

t.test('what a function may do, and undici took for a failure', async (t) => {
  const answers: [bytes: string, status: number][] = [
    ['HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nok', 204],
    ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n', 201],
    [`HTTP/1.1 200 OK\r\nx-long: ${'x'.repeat(20_000)}\r\ncontent-length: 0\r\n\r\n`, 200],
  ];
  for (const [bytes, status] of answers) {
    const origin = await listen(t, (socket) => socket.on('data', () => socket.write(bytes)));
    const connections = open(t, origin);
    for (let round = 0; round < 3; round += 1)
      t.match(await attempt(connections), { kind: 'answered', status, cut: undefined });
  }
});

t.test('given up before a connection was made: unreachable, for nothing was sent', async (t) => {
  const checkAddress = () => new Promise<void>(() => undefined);
  const guard = { ...createConnectGuard({ apiServerHosts: [] }), checkAddress };
  const connections = new Connections('http://127.0.0.1:1', { guard });
  t.teardown(() => connections.destroy());
  t.match(await attempt(connections, { timeoutMs: 50 }), {
    kind: 'unreachable',
    reason: 'no connection within 50 ms',
  });
});

t.test('a request that cannot be sent has failed', async (t) => {
  const fn = await startFunction(t);
  const connections = open(t, fn.origin);
  t.match(await attempt(connections, { headers: ['ce-id', 'a\r\nhost: b'] }), { kind: 'failed' });
  t.match(await attempt(connections, { path: '/a b' }), { kind: 'failed', reason: /cannot name the path/ });
  connections.destroy();
  t.match(await attempt(connections), { kind: 'unreachable', reason: /are closed/ });
  t.equal(fn.calls.length, 0);
});

t.test('connections that are destroyed end what is under way', async (t) => {
  const fn = await startFunction(t, 'hang');
  const connections = open(t, fn.origin);
  const result = attempt(connections);
  await until(() => fn.calls.length === 1);
  connections.destroy();
  t.match(await result, { kind: 'failed' });
});

t.test('each of these attempts got its result exactly once', async (t) => {
  t.ok(words.length > 20);
  t.strictSame(
    words.filter((times) => times !== 1),
    [],
  );
});
