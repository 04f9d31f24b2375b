// The TCP proxy of the fault tests, between real sockets: what it forwards, what it holds back, and what it breaks.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { openTcpProxy, type LinkFault, type TcpProxy } from '../fixtures/kafka/tcp-proxy.ts';
import { until } from '../scaler/fixtures/until.ts';

type Peer = { socket: Socket; text: string; isEnded: boolean; error: string | undefined };
type Setup = { proxy: TcpProxy; client: Peer; target: Peer };

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

async function setUp(t: Test): Promise<Setup> {
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

/** A round trip: afterwards nothing is in transit in either direction. */
async function exchange({ client, target }: Setup, word: string): Promise<void> {
  client.socket.write(`${word}?`);
  await until(() => target.text.endsWith(`${word}?`));
  target.socket.write(`${word}!`);
  await until(() => client.text.endsWith(`${word}!`));
}

t.test('the proxy forwards bytes and ends, each direction by itself', async (t) => {
  const setup = await setUp(t);
  const { proxy, client, target } = setup;
  await exchange(setup, 'hello');
  t.equal(proxy.link(target.socket.remotePort!)?.isStalled, false);
  t.equal(proxy.link(1), undefined);
  const large = 'x'.repeat(5_000_000);
  client.socket.end(large);
  await until(() => target.isEnded);
  t.equal(target.text.length, 'hello?'.length + large.length);
  target.socket.end('late');
  await until(() => client.isEnded && proxy.size === 0);
  t.ok(client.text.endsWith('late'), 'an ended direction leaves the other open');
});

t.test('the proxy forwards a reset by the client', async (t) => {
  const setup = await setUp(t);
  await exchange(setup, 'a');
  setup.client.socket.resetAndDestroy();
  await until(() => setup.target.error === 'ECONNRESET');
});

t.test('the proxy delays bytes in order', async (t) => {
  const setup = await setUp(t);
  const { proxy, client, target } = setup;
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

t.test('a stalled proxy accepts and holds, and goes on later', async (t) => {
  const setup = await setUp(t);
  const { proxy, client, target } = setup;
  const faults: LinkFault[] = [];
  await exchange(setup, 'a');
  proxy.link(target.socket.remotePort!)!.onFault = (fault) => faults.push(fault);
  proxy.stall();
  const second = await dial(t, proxy.port);
  t.equal(second.error, undefined);
  client.socket.write('held');
  target.socket.write('held too');
  t.equal(target.text, 'a?');
  proxy.pass();
  await until(() => target.text === 'a?held' && client.text === 'a!held too');
  t.ok(faults.every((fault) => fault === 'stalled') && faults.length > 0);

  proxy.stall('down');
  client.socket.write(' up');
  target.socket.write(' down');
  await until(() => target.text === 'a?held up');
  t.equal(client.text, 'a!held too', 'one direction only');
});

t.test('the proxy cuts both sides', async (t) => {
  const setup = await setUp(t);
  const { proxy, client, target } = setup;
  const faults: LinkFault[] = [];
  await exchange(setup, 'a');
  proxy.link(target.socket.remotePort!)!.onFault = (fault) => faults.push(fault);
  proxy.cut();
  await until(() => client.error === 'ECONNRESET' && target.error === 'ECONNRESET' && proxy.size === 0);
  t.equal(faults[0], 'cut');
});

t.test('the proxy half-closes a connection', async (t) => {
  const setup = await setUp(t);
  await exchange(setup, 'a');
  setup.proxy.halfClose('down');
  await until(() => setup.client.isEnded);
  t.notOk(setup.target.isEnded);
  setup.client.socket.write('still');
  await until(() => setup.target.text === 'a?still');
  setup.target.socket.write('lost');
  setup.client.socket.write(' there');
  await until(() => setup.target.text === 'a?still there');
  t.equal(setup.client.text, 'a!');
});

t.test('the proxy refuses new connections and keeps the existing ones', async (t) => {
  const setup = await setUp(t);
  const { proxy } = setup;
  await exchange(setup, 'a');
  proxy.refuse();
  t.equal((await dial(t, proxy.port)).error, 'ECONNREFUSED');
  await exchange(setup, 'b');
  await proxy.accept();
  t.equal((await dial(t, proxy.port)).error, undefined);
});

t.test('the proxy resets a connection that has no target', async (t) => {
  const proxy = await openTcpProxy(t, { targetPort: 1 });
  const client = await dial(t, proxy.port);
  await until(() => client.error === 'ECONNRESET');
});
