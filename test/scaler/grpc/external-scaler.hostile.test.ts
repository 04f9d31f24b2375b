// What a call may say, by a bare HTTP/2 client: messages, how they are framed and packed, headers. Each has an answer or is waited for;
// none is a failure of the service, and none outgrows its bounds.
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { loadExternalScaler } from '../../../scaler/grpc/proto-definition.ts';
import { createRandom, type Random } from '../../fixtures/seeded-random.ts';
import { startScalerGrpc } from '../../fixtures/access/started-servers.ts';
import { until } from '../fixtures/until.ts';
import { retainedMb } from '../../fixtures/retained-memory.ts';
import { mutate } from '../../fuzz/mutate.ts';

t.setTimeout(120_000);
const callCount = 3_000;
const atOnce = 16;
/** Milliseconds for which an answer is waited for: a call may have no end. */
const patienceMs = 60;
const { definition } = loadExternalScaler();
const methods = Object.keys(definition);
const usualHeaders = { ':method': 'POST', te: 'trailers', 'content-type': 'application/grpc' };

interface Call {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly label: string;
}

interface Answer {
  /** Undefined where it has not come. */
  readonly code: number | undefined;
  readonly details: string;
}

const texts = [
  '',
  'quakes',
  'geo',
  'shop',
  '\0',
  '__proto__',
  'constructor',
  '../..',
  'a/b',
  'x'.repeat(254),
  'x'.repeat(30_000),
  '\u202e\ud83d\ude00',
  '%00',
  '{{}}',
  '-1',
  '9'.repeat(400),
  '1,'.repeat(3_000),
  '1-2147483647',
  'true',
  'kafka:9092',
  'NaN',
  ' ',
  '\r\nx: y',
  '1e3',
];
const names = [
  'trigger',
  'consumerGroup',
  'topic',
  'bootstrapServers',
  'lagThreshold',
  'partitionLimitation',
  'fullMetadata',
  'lagTreshold',
];

function messageOf(random: Random, method: string): Buffer {
  const pairs = Array.from({ length: random.between(0, 8) }, () => [
    random.pick([...names, ...texts]),
    random.pick(texts),
  ]);
  const name = random.chance(0.5) ? 'quakes' : random.pick(texts);
  const namespace = random.chance(0.5) ? 'geo' : random.pick(texts);
  const ref = { name, namespace, scalerMetadata: Object.fromEntries(pairs) as object };
  const request = random.chance(0.9) ? { scaledObjectRef: ref, metricName: random.pick(texts) } : {};
  const bytes = definition[method]!.requestSerialize(method === 'GetMetrics' ? request : ref);
  return random.chance(0.3) ? mutate(random, [bytes]) : bytes;
}

const framed = (message: Buffer, flag = 0, length = message.length): Buffer => {
  const head = Buffer.from([flag, 0, 0, 0, 0]);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
};
const bomb = gzipSync(Buffer.alloc(64 << 20));

const bodies: Readonly<Record<string, (message: Buffer) => Buffer>> = {
  'packed without saying how': (message) => framed(message, 1),
  'a flag that is none': (message) => framed(message, 7),
  'longer than it is': (message) => framed(message, 0, message.length + 1),
  'shorter than it is': (message) => framed(message, 0, Math.max(0, message.length - 1)),
  'of 4 GiB': (message) => framed(message, 0, 0xffffffff),
  'larger than may be': () => framed(Buffer.alloc(1 << 20)),
  'two of them': (message) => Buffer.concat([framed(message), framed(message)]),
  'half a head': () => Buffer.from([0, 0]),
  nothing: () => Buffer.alloc(0),
  packed: (message) => framed(gzipSync(message), 1),
  'packed wrongly': (message) => framed(message, 1),
  'packed from 64 MiB': () => framed(bomb, 1),
};
const oddHeaders: readonly Readonly<Record<string, string>>[] = [
  ...['1n', '99999999H', '0S', '-1S', 'x', '1', '9'.repeat(300)].map((timeout) => ({
    'grpc-timeout': timeout,
  })),
  ...['br', 'gzip', 'deflate', 'x', ''].map((encoding) => ({ 'grpc-encoding': encoding })),
  ...['text/html', '', 'application/grpc+json', 'application/json'].map((type) => ({ 'content-type': type })),
  { 'x-bin': '!!' },
  { 'grpc-tags-bin': 'AA'.repeat(3_000) },
  { ':method': 'GET' },
  { 'user-agent': 'x'.repeat(8_000) },
  { ':authority': '\u00e9' },
  { 'content-length': '1' },
  Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x-${index}`, 'y'])),
];

function drawCall(random: Random): Call {
  const method = random.pick(methods);
  const message = messageOf(random, method);
  const [how, pack] = random.chance(0.3) ? random.pick(Object.entries(bodies)) : ['', framed];
  const packing =
    how.startsWith('packed') && how !== 'packed without saying how' ? { 'grpc-encoding': 'gzip' } : {};
  const more = random.chance(0.25) ? random.pick(oddHeaders) : {};
  const path = random.chance(0.95)
    ? method
    : random.pick(['', 'x', '../IsActive', 'IsActive%00', 'isactive', '__proto__', 'a'.repeat(9_000)]);
  const headers = { ...usualHeaders, ':path': `/externalscaler.ExternalScaler/${path}`, ...packing, ...more };
  const label = `${method} ${path} ${how} ${JSON.stringify(more).slice(0, 80)} ${message.toString('base64').slice(0, 400)}`;
  return { method, headers, body: pack(message), label };
}

/** What grpc-js itself says of a call that is none, before the service hears of it. */
const refusedBefore =
  /^(?:Error deserializing request|Failed to decompress message|Invalid grpc-timeout value "[^"]*"|Received message.*)$/;
const expected = new Set<number | undefined>([
  undefined,
  ...[status.OK, status.NOT_FOUND, status.INVALID_ARGUMENT, status.RESOURCE_EXHAUSTED, status.UNIMPLEMENTED],
  ...[status.DEADLINE_EXCEEDED, status.UNAVAILABLE],
]);

function answerTo(session: ClientHttp2Session, { headers, body }: Call): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = session.request(headers);
    let code: number | undefined;
    let details = '';
    const read = (given: IncomingHttpHeaders): void => {
      if (given['grpc-status'] === undefined) return;
      code = Number(given['grpc-status']);
      details = decodeURIComponent(given['grpc-message']?.toString() ?? '');
    };
    const patience = setTimeout(() => stream.close(8), patienceMs);
    stream
      .on('response', read)
      .on('trailers', read)
      .on('error', () => undefined)
      .resume();
    stream.once('close', () => {
      clearTimeout(patience);
      resolve({ code, details });
    });
    stream.end(body);
  });
}

async function setUp(t: Test) {
  const server = await startScalerGrpc();
  t.teardown(() => server.close());
  let session: ClientHttp2Session | undefined;
  t.teardown(() => session?.close());
  return {
    server,
    /** Another one where the server has ended the last. */
    session(): ClientHttp2Session {
      if (session === undefined || session.closed || session.destroyed)
        session = connect(`http://127.0.0.1:${server.port}`).on('error', () => undefined);
      return session;
    },
  };
}

t.test('calls of any kind', async (t) => {
  const { server, session } = await setUp(t);
  const seed = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 2 ** 32);
  t.comment(`seed ${seed}`);
  const random = createRandom(seed);
  const calls = Array.from({ length: callCount }, () => drawCall(random));
  const before = retainedMb();
  const seen = new Map<number | undefined, number>();
  const entries = calls.values();
  const callAll = async (): Promise<void> => {
    for (const call of entries) {
      const { code, details } = await answerTo(session(), call);
      seen.set(code, (seen.get(code) ?? 0) + 1);
      const isExpected = expected.has(code) || (code === status.INTERNAL && refusedBefore.test(details));
      // Of a method that there is none of, grpc-js repeats the name.
      const isBounded = details.length <= 3_000 || code === status.UNIMPLEMENTED;
      if (!isExpected || !isBounded) t.fail(`${code} ${details.slice(0, 200)}: ${call.label}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, callAll));
  for (const code of [status.OK, status.NOT_FOUND, status.INVALID_ARGUMENT, status.RESOURCE_EXHAUSTED])
    t.ok(seen.has(code), `${status[code]} was among the answers`);
  t.ok(server.groups.count <= 1_000, 'groups are bounded in number');
  await until(() => retainedMb() - before < 24);
  t.pass('memory is given back');
  t.equal(({} as { x?: unknown }).x, undefined);
  const honest = { name: 'quakes', namespace: 'geo', scalerMetadata: {} };
  const body = framed(definition.IsActive!.requestSerialize(honest));
  const headers = { ...usualHeaders, ':path': '/externalscaler.ExternalScaler/IsActive' };
  t.match(await answerTo(session(), { method: '', headers, body, label: '' }), { code: status.OK });
});
