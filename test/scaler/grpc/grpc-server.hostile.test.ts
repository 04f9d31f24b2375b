// Connections of HTTP/2 that no client of gRPC makes, by real sockets: floods, resets, slow readers, broken frames. What KEDA asks next is
// answered, and nothing is left of them.
import { credentials, type Client, type ServiceError } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { loadExternalScaler } from '../../../scaler/grpc/proto-definition.ts';
import { createRandom } from '../../fixtures/seeded-random.ts';
import { startScalerGrpc, type StartedGrpcServer } from '../../fixtures/access/started-servers.ts';
import { retainedMb } from '../../fixtures/retained-memory.ts';
import {
  callHeaders,
  callMessage,
  endHeaders,
  endStream,
  frame,
  frameType,
  literals,
  openHttp2,
  preface,
  settings,
  word,
} from '../../fixtures/access/http2-frames.ts';
import { open } from '../../fixtures/access/raw-http.ts';
import { mutate } from '../../fuzz/mutate.ts';
import { keptSeeds } from '../../fuzz/seeds.ts';
import { until } from '../fixtures/until.ts';

t.setTimeout(120_000);
const { client: ExternalScaler, definition } = loadExternalScaler();
const quakes = { name: 'quakes', namespace: 'geo', scalerMetadata: {} };
const quakesMessage = definition.StreamIsActive!.requestSerialize(quakes);

async function setUp(t: Test, options: Parameters<typeof startScalerGrpc>[0] = {}) {
  const server = await startScalerGrpc(options);
  t.teardown(() => server.close());
  const streams = { opened: 0, closed: 0 };
  server.events.on('streamOpened', () => (streams.opened += 1));
  server.events.on('streamClosed', () => (streams.closed += 1));
  return { server, streams };
}

/** As KEDA would. */
async function honest(server: StartedGrpcServer): Promise<unknown> {
  const client: Client = new ExternalScaler(`127.0.0.1:${server.port}`, credentials.createInsecure());
  const unary = client as unknown as Record<
    'IsActive',
    (
      request: object,
      options: object,
      callback: (error: ServiceError | null, answer: unknown) => void,
    ) => void
  >;
  try {
    return await new Promise((resolve, reject) =>
      unary.IsActive(quakes, { deadline: Date.now() + 10_000 }, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      ),
    );
  } finally {
    client.close();
  }
}

t.test('streams that are opened and reset at once end their connection, and leave nothing', async (t) => {
  const { server, streams } = await setUp(t);
  const before = retainedMb();
  const cancel = word(8);
  for (let connection = 0; connection < 5; connection += 1) {
    const { socket, closed, frames } = openHttp2(server.port);
    const flood = Array.from({ length: 5_000 }, (_, index) => [
      callHeaders(2 * index + 1, 'StreamIsActive'),
      callMessage(2 * index + 1, quakesMessage),
      frame(frameType.reset, 0, 2 * index + 1, cancel),
    ]);
    socket.write(Buffer.concat(flood.flat()));
    await closed;
    t.ok(
      frames().some(({ type }) => type === frameType.goAway),
      'it gets GOAWAY',
    );
  }
  t.strictSame(await honest(server), { result: false });
  await until(() => streams.opened === streams.closed);
  await until(() => retainedMb() - before < 16);
  t.pass('memory is given back');
});

t.test('streams that stay open are bounded in number on one connection', async (t) => {
  const { server, streams } = await setUp(t);
  const { socket, closed, frames } = openHttp2(server.port);
  const count = 11_000;
  for (let index = 0; index < count; index += 1)
    socket.write(
      Buffer.concat([
        callHeaders(2 * index + 1, 'StreamIsActive'),
        callMessage(2 * index + 1, quakesMessage),
      ]),
    );
  await until(() => streams.opened >= 10_000 || socket.destroyed);
  t.strictSame(await honest(server), { result: false });
  t.ok(streams.opened <= 10_000, `${streams.opened} streams`);
  t.ok(frames().length > 0);
  socket.destroy();
  await closed;
  await until(() => streams.opened === streams.closed);
});

t.test('who does not read is not written to: what has not gone out is not repeated', async (t) => {
  const { server, streams } = await setUp(t, { repeatMs: 1 });
  let pushed = 0;
  server.events.on('pushed', () => (pushed += 1));
  // A window of nothing: no message may be sent.
  const { socket, closed, frames } = openHttp2(server.port, settings([4, 0]));
  socket.write(Buffer.concat([callHeaders(1, 'StreamIsActive'), callMessage(1, quakesMessage)]));
  await until(() => streams.opened === 1);
  server.wake();
  await until(() => pushed >= 500);
  const closing = server.close();
  socket.write(frame(frameType.window, 0, 1, word(1 << 20)));
  await until(() =>
    frames().some(({ type, flags }) => type === frameType.headers && (flags & endStream) !== 0),
  );
  const bytes = frames()
    .filter(({ type }) => type === frameType.data)
    .reduce((sum, { payload }) => sum + payload.length, 0);
  t.ok(bytes > 0 && bytes < 100, `${bytes} bytes were kept for it`);
  socket.end();
  await Promise.all([closing, closed]);
});

t.test('floods of frames that ask for little', async (t) => {
  const { server, streams } = await setUp(t);
  const before = retainedMb();
  const many = (one: Buffer): Buffer => Buffer.concat(Array.from({ length: 20_000 }, () => one));
  const begun = callHeaders(1, 'StreamIsActive');
  const half = frame(frameType.headers, 0, 1, literals({ ':method': 'POST' }));
  const floods: Record<string, Buffer> = {
    settings: many(settings([4, 65_535])),
    pings: many(frame(frameType.ping, 0, 0, Buffer.alloc(8))),
    'continuations without end': Buffer.concat([
      half,
      many(frame(frameType.continuation, 0, 1, literals({ a: 'b' }))),
    ]),
    'empty data': Buffer.concat([begun, many(frame(frameType.data, 0, 1))]),
    priorities: many(frame(frameType.priority, 0, 1, Buffer.alloc(5))),
    'windows of nothing': many(frame(frameType.window, 0, 0, word(0))),
    'windows without end': many(frame(frameType.window, 0, 0, word(2 ** 31 - 1))),
    'resets of nothing': many(frame(frameType.reset, 0, 1, word(8))),
    'a table of headers that grows': many(
      frame(frameType.headers, endHeaders, 1, Buffer.from([0x3f, 0xff, 0xff, 0xff, 0x7f])),
    ),
    'a long header': frame(
      frameType.headers,
      endHeaders,
      1,
      literals({ ':method': 'POST', a: 'b'.repeat(16_000) }),
    ),
  };
  for (const [name, flood] of Object.entries(floods)) {
    const { socket, closed } = openHttp2(server.port);
    socket.end(flood);
    await closed;
    t.strictSame(await honest(server), { result: false }, name);
  }
  await until(() => streams.opened === streams.closed);
  await until(() => retainedMb() - before < 16);
  t.pass('memory is given back');
});

t.test('frames that are none', async (t) => {
  const { server, streams } = await setUp(t);
  const seed = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 2 ** 32);
  t.comment(`seed ${seed}`);
  const random = createRandom(seed);
  const hello = [preface, settings()];
  const seeds = Object.keys(definition).map((method) =>
    Buffer.concat([...hello, callHeaders(1, method), callMessage(1, quakesMessage)]),
  );
  const odd = callHeaders(1, 'IsActive', { 'grpc-timeout': '1S', 'x-bin': 'AA==', 'grpc-encoding': 'gzip' });
  seeds.push(Buffer.concat([...hello, odd, callMessage(1, quakesMessage), callHeaders(3, 'IsActive')]));
  seeds.push(
    Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'),
    Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252]),
  );
  const kept = keptSeeds('grpc-port');
  const mutations = Array.from({ length: 1_500 }, () => mutate(random, [...seeds, ...kept]));
  const inputs = [...kept, ...mutations].values();
  const sendAll = async (): Promise<void> => {
    for (const input of inputs) {
      const { socket, closed } = open(server.port);
      socket.end(input);
      await closed;
    }
  };
  await Promise.all([sendAll(), sendAll(), sendAll(), sendAll()]);
  t.strictSame(await honest(server), { result: false });
  await until(() => streams.opened === streams.closed);
});
