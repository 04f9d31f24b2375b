// The proxy of the fault tests, between real sockets: what it passes on, what it holds back, and what it breaks.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { openTcpProxy, type LinkTrouble, type TcpProxy } from '../fixtures/kafka/tcp-proxy.ts';
import { until } from '../scaler/fixtures/until.ts';

type Peer = { socket: Socket; text: string; isEnded: boolean; error: string | undefined };
type Stage = { proxy: TcpProxy; client: Peer; target: Peer };

function watch(t: Test, socket: Socket): Peer {
  const peer: Peer = { socket, text: '', isEnded: false, error: undefined };
  socket.setEncoding('utf8').on('data', (text: string) => (peer.text += text));
  socket.on('end', () => (peer.isEnded = true));
  socket.on('error', (error: NodeJS.ErrnoException) => (peer.error = error.code));
  t.teardown(() => void socket.destroy());
  return peer;
}

async function dial(t: Test, port: number): Promise<Peer> {
  const peer = watch(t, connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
  await until(() => !peer.socket.connecting || peer.error !== undefined);
  return peer;
}

async function setUp(t: Test): Promise<Stage> {
  const accepted: Peer[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => void accepted.push(watch(t, socket)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const proxy = await openTcpProxy(t, { targetPort: (server.address() as AddressInfo).port });
  const client = await dial(t, proxy.port);
  await until(() => accepted.length > 0);
  const target = accepted[0]!;
  return { proxy, client, target };
}

/** Both ways work, so nothing is left on the way. */
async function exchange({ client, target }: Stage, word: string): Promise<void> {
  client.socket.write(`${word}?`);
  await until(() => target.text.endsWith(`${word}?`));
  target.socket.write(`${word}!`);
  await until(() => client.text.endsWith(`${word}!`));
}

t.test('passes bytes and ends, each way by itself', async (t) => {
  const stage = await setUp(t);
  const { proxy, client, target } = stage;
  await exchange(stage, 'hello');
  t.equal(proxy.link(target.socket.remotePort!)?.isStalled, false);
  t.equal(proxy.link(1), undefined);
  const large = 'x'.repeat(5_000_000);
  client.socket.end(large);
  await until(() => target.isEnded);
  t.equal(target.text.length, 'hello?'.length + large.length);
  target.socket.end('late');
  await until(() => client.isEnded && proxy.size === 0);
  t.ok(client.text.endsWith('late'), 'an ended way leaves the other open');
});

t.test('a reset of the client arrives as one', async (t) => {
  const stage = await setUp(t);
  await exchange(stage, 'a');
  stage.client.socket.resetAndDestroy();
  await until(() => stage.target.error === 'ECONNRESET');
});

t.test('delays, in order', async (t) => {
  const stage = await setUp(t);
  const { proxy, client, target } = stage;
  proxy.delay(200, 'up');
  const startMs = performance.now();
  client.socket.write('one ');
  target.socket.write('at once');
  await until(() => client.text === 'at once');
  t.equal(target.text, '');
  client.socket.end('two');
  await until(() => target.isEnded);
  t.ok(performance.now() - startMs >= 195);
  t.equal(target.text, 'one two');
});

t.test('stalls: accepts, holds, and goes on', async (t) => {
  const stage = await setUp(t);
  const { proxy, client, target } = stage;
  const troubles: LinkTrouble[] = [];
  await exchange(stage, 'a');
  proxy.link(target.socket.remotePort!)!.onTrouble = (trouble) => troubles.push(trouble);
  proxy.stall();
  const second = await dial(t, proxy.port);
  t.equal(second.error, undefined);
  client.socket.write('held');
  target.socket.write('held too');
  t.equal(target.text, 'a?');
  proxy.pass();
  await until(() => target.text === 'a?held' && client.text === 'a!held too');
  t.ok(troubles.every((trouble) => trouble === 'stalled') && troubles.length > 0);

  proxy.stall('down');
  client.socket.write(' up');
  target.socket.write(' down');
  await until(() => target.text === 'a?held up');
  t.equal(client.text, 'a!held too', 'one way alone');
});

t.test('cuts both sides', async (t) => {
  const stage = await setUp(t);
  const { proxy, client, target } = stage;
  const troubles: LinkTrouble[] = [];
  await exchange(stage, 'a');
  proxy.link(target.socket.remotePort!)!.onTrouble = (trouble) => troubles.push(trouble);
  proxy.cut();
  await until(() => client.error === 'ECONNRESET' && target.error === 'ECONNRESET' && proxy.size === 0);
  t.equal(troubles[0], 'cut');
});

t.test('half-closes', async (t) => {
  const stage = await setUp(t);
  await exchange(stage, 'a');
  stage.proxy.halfClose('down');
  await until(() => stage.client.isEnded);
  t.notOk(stage.target.isEnded);
  stage.client.socket.write('still');
  await until(() => stage.target.text === 'a?still');
  stage.target.socket.write('lost');
  stage.client.socket.write(' there');
  await until(() => stage.target.text === 'a?still there');
  t.equal(stage.client.text, 'a!');
});

t.test('refuses the next, and keeps those that are there', async (t) => {
  const stage = await setUp(t);
  const { proxy } = stage;
  await exchange(stage, 'a');
  proxy.refuse();
  t.equal((await dial(t, proxy.port)).error, 'ECONNREFUSED');
  await exchange(stage, 'b');
  await proxy.accept();
  t.equal((await dial(t, proxy.port)).error, undefined);
});

t.test('without a target, a connection is reset', async (t) => {
  const proxy = await openTcpProxy(t, { targetPort: 1 });
  const client = await dial(t, proxy.port);
  await until(() => client.error === 'ECONNRESET');
});
