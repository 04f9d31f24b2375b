// Connections against real sockets: which one a request gets, and when each is closed.
import type { LookupAddress } from 'node:dns';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { createConnectGuard } from '../../../core/network/connect-guard.ts';
import { startAttempt, type AttemptResult } from '../../../gateway/delivery/attempt.ts';
import { Connections } from '../../../gateway/http/connections.ts';
import { until } from '../../scaler/fixtures/until.ts';

t.setTimeout(60_000);

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

interface Listening {
  readonly port: number;
  /** Those that are open. */
  readonly sockets: Set<Socket>;
  /** How many there were. */
  readonly made: () => number;
}

/** Answers each request with what `answer` returns. */
async function listen(
  t: Test,
  answer: () => string | Promise<string> = () => ok,
  host = '127.0.0.1',
): Promise<Listening> {
  const sockets = new Set<Socket>();
  let made = 0;
  const server = createServer((socket) => {
    made += 1;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', () => void Promise.resolve(answer()).then((bytes) => socket.write(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, sockets, made: () => made };
}

function open(t: Test, origin: string, addresses?: () => readonly string[]): Connections {
  const resolve = async (): Promise<LookupAddress[]> =>
    addresses!().map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  const createCheck = () => () => undefined;
  const guard = addresses && createConnectGuard({ resolve, apiServerHosts: [], createCheck });
  const connections = new Connections(origin, { guard });
  t.teardown(() => connections.destroy());
  return connections;
}

function post(connections: Connections, timeoutMs = 20_000): Promise<AttemptResult> {
  const request = { path: '/', headers: [], body: null, timeoutMs, maxAnswerBytes: 100 };
  return new Promise((resolve) => startAttempt(connections, request, resolve));
}

t.test('one after the other, requests share a connection; at a time, each has its own', async (t) => {
  const held = Promise.withResolvers<string>();
  let isHeld = false;
  const { port, made } = await listen(t, () => (isHeld ? held.promise : ok));
  const connections = open(t, `http://127.0.0.1:${port}`);
  for (let round = 0; round < 5; round += 1) t.match(await post(connections), { status: 200 });
  t.equal(made(), 1);
  isHeld = true;
  const all = Array.from({ length: 4 }, () => post(connections));
  await until(() => made() === 4);
  held.resolve(ok);
  t.ok((await Promise.all(all)).every(({ kind }) => kind === 'answered'));
  t.equal(connections.size, 4);
});

t.test('an idle connection is closed before the function does it', async (t) => {
  for (const [header, closes] of [
    ['keep-alive: timeout=2', true],
    ['keep-alive: timeout=1', true],
    ['connection: close', true],
    ['keep-alive: timeout=600', false],
    ['x-none: 1', false],
  ] as const) {
    const { port, sockets } = await listen(t, () => ok.replace('\r\n\r\n', `\r\n${header}\r\n\r\n`));
    const connections = open(t, `http://127.0.0.1:${port}`);
    await post(connections);
    const startMs = performance.now();
    if (!closes) {
      t.equal(sockets.size, 1, header);
      continue;
    }
    await until(() => sockets.size === 0);
    t.ok(performance.now() - startMs < 1_900, header);
    t.equal(connections.size, 0);
  }
});

t.test('closed: what is under way ends, and nothing new begins', async (t) => {
  const held = Promise.withResolvers<string>();
  const { port, sockets } = await listen(t, () => held.promise);
  const connections = open(t, `http://127.0.0.1:${port}`);
  const first = post(connections);
  await until(() => sockets.size === 1);
  connections.close();
  t.match(await post(connections), { kind: 'unreachable', reason: 'the connections are closed' });
  held.resolve(ok);
  t.match(await first, { kind: 'answered', status: 200 });
  await until(() => sockets.size === 0);
});

t.test('a function that closes idle connections, or speaks on one, is connected to anew', async (t) => {
  const { port, sockets, made } = await listen(t);
  const connections = open(t, `http://127.0.0.1:${port}`);
  for (const act of [
    (one: Socket) => one.end(),
    (one: Socket) => one.resetAndDestroy(),
    (one: Socket) => one.write(ok),
  ]) {
    await post(connections);
    for (const socket of sockets) act(socket);
    await until(() => connections.size === 0);
    t.match(await post(connections), { kind: 'answered', status: 200 });
  }
  t.equal(made(), 4);
});

t.test('IPv6, and names with several addresses: the first that accepts (RFC 8305)', async (t) => {
  const { port } = await listen(t, () => ok, '::1');
  t.match(await post(open(t, `http://[::1]:${port}`)), { kind: 'answered' });
  // Nobody listens at the first.
  const several = open(t, `http://fn.test:${port}`, () => ['127.0.0.1', '::1']);
  t.match(await post(several), { kind: 'answered' });
  const nobody = await post(open(t, `http://fn.test:1`, () => ['127.0.0.1', '::1']));
  t.match(nobody, { kind: 'unreachable', reason: /127\.0\.0\.1:1; .*::1:1/ });
});

t.test('connections to an address that its name has no more are closed when they are free', async (t) => {
  let addresses = ['127.0.0.1'];
  const { port, sockets } = await listen(
    t,
    () => ok.replace('\r\n\r\n', '\r\nkeep-alive: timeout=600\r\n\r\n'),
    '0.0.0.0',
  );
  const connections = open(t, `http://fn.test:${port}`, () => addresses);
  t.match(await post(connections), { kind: 'answered' });
  const [old] = sockets;
  addresses = ['127.0.0.2'];
  const now = performance.now.bind(performance);
  let ahead = 0;
  t.intercept(performance, 'now', { value: () => now() + ahead, configurable: true });
  t.match(await post(connections), { kind: 'answered' });
  t.ok(sockets.has(old!), 'a name is not looked up for each request');
  ahead = 30_000;
  t.match(await post(connections), { kind: 'answered' });
  await until(() => !sockets.has(old!));
  t.match(await post(connections), { kind: 'answered' });
  t.ok([...sockets].every(({ localAddress }) => localAddress === '127.0.0.2'));
});
