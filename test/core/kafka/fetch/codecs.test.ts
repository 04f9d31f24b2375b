// The packers are Kafka's own: the topic's compression.type makes the broker pack again what kafkajs produces.
import { inspect } from 'node:util';
import { deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import kafkajs, { type Kafka } from 'kafkajs';
import { compressSync } from 'snappy';
import t, { type Test } from 'tap';
import { createCodec, type Compression } from '../../../../core/kafka/fetch/codecs.ts';
import { createKafka } from '../../../../core/kafka/connection/kafka-client.ts';
import { createTopic, kafkaClient, uniqueName, useKafka } from '../../../fixtures/kafka/kafka.ts';

t.setTimeout(115_000);

const compressions: readonly Compression[] = ['gzip', 'snappy', 'lz4', 'zstd'];

const { CompressionCodecs, CompressionTypes } = kafkajs;
const types = {
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const;

/** Some hundred KB, so that there is more than one block, and of little variety, so that each is worth packing. */
const values = Array.from(
  { length: 4_000 },
  (_, index) => `${index} ${'the same words over and over; '.repeat(index % 9)}`,
);

/** Names of the codecs that batches were unpacked with, while the test lasts. */
function watchCodecs(t: Test): Set<Compression> {
  const used = new Set<Compression>();
  for (const name of compressions) {
    const registered = CompressionCodecs[types[name]];
    CompressionCodecs[types[name]] = () => {
      used.add(name);
      return registered() as unknown;
    };
    t.teardown(() => (CompressionCodecs[types[name]] = registered));
  }
  return used;
}

/** Reads `count` records, in order. */
async function read(t: Test, kafka: Kafka, topic: string, count: number): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: uniqueName('codecs') });
  t.teardown(() => consumer.disconnect());
  const found: string[] = [];
  const done = Promise.withResolvers<void>();
  consumer.on('consumer.crash', ({ payload: { error, restart } }) => {
    if (!restart) done.reject(error); // a new broker's coordinator is still loading: kafkajs starts again
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachBatch: ({ batch }) => {
      found.push(...batch.messages.map(({ value }) => String(value)));
      if (found.length >= count) done.resolve();
      return Promise.resolve();
    },
  });
  await done.promise;
  return found;
}

for (const compression of compressions) {
  t.test(`records that Kafka packed with ${compression} are read`, async (t) => {
    const servers = await useKafka(t);
    const kafka = createKafka({ brokers: servers.split(','), clientId: 'codecs-test' });
    const used = watchCodecs(t);
    const topic = await createTopic(t, servers, {
      partitions: 1,
      configs: { 'compression.type': compression },
    });
    const producer = kafkaClient(servers).producer();
    t.teardown(() => producer.disconnect());
    await producer.connect();
    await producer.send({ topic, messages: values.map((value) => ({ value })) });
    await producer.send({ topic, messages: [{ value: 'alone' }] });
    t.strictSame(await read(t, kafka, topic, values.length + 1), [...values, 'alone']);
    t.strictSame([...used], [compression]);
  });

  t.test(`Kafka reads what is packed with ${compression} here`, async (t) => {
    const servers = await useKafka(t);
    const kafka = createKafka({ brokers: servers.split(','), clientId: 'codecs-test' });
    const topic = await createTopic(t, servers, {
      partitions: 1,
      configs: { 'compression.type': 'uncompressed' },
    });
    const producer = kafka.producer();
    t.teardown(() => producer.disconnect());
    await producer.connect();
    await producer.send({
      topic,
      compression: types[compression],
      messages: values.map((value) => ({ value })),
    });
    const used = watchCodecs(t);
    t.strictSame(await read(t, kafka, topic, values.length), values);
    t.equal(used.size, 0, 'the broker unpacked it');
  });

  t.test(`${compression}: whatever is packed comes back`, async () => {
    const codec = createCodec(compression);
    const parts = fc.array(fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 400 })), {
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(parts, async (repeated) => {
        const bytes = Buffer.concat(repeated.flatMap(([part, times]) => Array<Uint8Array>(times).fill(part)));
        return (await codec.decompress(await codec.compress({ buffer: bytes }))).equals(bytes);
      }),
      { numRuns: 100 },
    );
  });

  t.test(`${compression}: what is corrupt is an error or other bytes, within the limit`, async (t) => {
    const limit = 300_000;
    const codec = createCodec(compression, limit);
    const packed = await codec.compress({ buffer: Buffer.from(values.join('\n').slice(0, limit)) });
    const flips = fc.array(fc.tuple(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    // The first bytes say how the others are to be read.
    const headFlips = fc.array(fc.tuple(fc.nat(24), fc.integer({ min: 1, max: 255 })), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(flips, headFlips, async (inBody, inHead) => {
        const broken = Buffer.from(packed);
        for (const [at, mask] of [...inBody, ...inHead]) broken[at]! ^= mask;
        return isErrorOrWithin(codec.decompress(broken), limit);
      }),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (noise) =>
        isErrorOrWithin(codec.decompress(Buffer.from(noise)), limit),
      ),
      { numRuns: 300 },
    );
    for (const length of [1, 5, 12, packed.length >> 1, packed.length - 1]) {
      await t.rejects(
        codec.decompress(packed.subarray(0, length)),
        unreadable(compression),
        `cut off after ${length}`,
      );
    }
  });

  t.test(`${compression}: a batch may unpack to the limit and no further`, async (t) => {
    const bytes = Buffer.alloc(3 * 65_536, 'a');
    const packed = await createCodec(compression).compress({ buffer: bytes });
    // Of lz4, the size is known to one block.
    const enough = compression === 'lz4' ? bytes.length + 65_536 : bytes.length;
    t.ok((await createCodec(compression, enough).decompress(packed)).equals(bytes));
    await t.rejects(createCodec(compression, bytes.length - 1).decompress(packed), {
      ...unreadable(compression),
      message: `a batch compressed with ${compression} cannot be read: it unpacks to more than ${bytes.length - 1} bytes`,
      retriable: false,
    });
  });

  t.test(`${compression}: the limit is 256 MiB`, async (t) => {
    const bomb = await createCodec(compression).compress({ buffer: Buffer.alloc(2 ** 28 + 1) });
    await t.rejects(createCodec(compression).decompress(bomb), { message: /more than 268435456 bytes/ });
  });
}

t.test('a corrupt batch fails the consumer at once, with the reason', async (t) => {
  const servers = await useKafka(t);
  const kafka = createKafka({ brokers: servers.split(','), clientId: 'codecs-test' });
  const registered = CompressionCodecs[types.lz4];
  const { decompress } = createCodec('lz4');
  CompressionCodecs[types.lz4] = () => ({
    decompress: (packed: Buffer) => decompress(packed.subarray(0, -1)),
  });
  t.teardown(() => (CompressionCodecs[types.lz4] = registered));
  const topic = await createTopic(t, servers, { partitions: 1, configs: { 'compression.type': 'lz4' } });
  const producer = kafkaClient(servers).producer();
  t.teardown(() => producer.disconnect());
  await producer.connect();
  await producer.send({ topic, messages: [{ value: 'one' }] });
  await t.rejects(read(t, kafka, topic, 1), {
    name: 'KafkaJSNonRetriableError',
    message: unreadable('lz4').message,
  });
});

const unreadable = (compression: Compression) => ({
  code: 'MILLRACE_KAFKA_FAILED',
  message: new RegExp(`^a batch compressed with ${compression} cannot be read: .`),
});

async function isErrorOrWithin(unpacking: Promise<Buffer>, limit: number): Promise<boolean> {
  try {
    return (await unpacking).length <= limit;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MILLRACE_KAFKA_FAILED') return true;
    throw new Error(`an error of another kind: ${inspect(error)}`, { cause: error });
  }
}

/** As snappy-java writes it. */
function xerial(...blocks: readonly Buffer[]): Buffer {
  const header = Buffer.from('\x82SNAPPY\0\0\0\0\x01\0\0\0\x01', 'latin1');
  const framed = blocks.flatMap((block) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    return [length, block];
  });
  return Buffer.concat([header, ...framed]);
}

t.test('snappy in the framing of the Java client', async (t) => {
  const { decompress } = createCodec('snappy', 20);
  const [hello, world] = [compressSync('hello '), compressSync('world')];
  t.equal(String(await decompress(xerial(hello, world))), 'hello world');
  t.equal((await decompress(xerial())).length, 0);
  await t.rejects(decompress(xerial(hello, world).subarray(0, -1)), unreadable('snappy'));
  await t.rejects(decompress(xerial(hello, Buffer.alloc(0))), unreadable('snappy'));
  const large = compressSync('x'.repeat(11));
  await t.rejects(
    decompress(xerial(large, large)),
    { message: /more than 20 bytes/ },
    'the limit is of all blocks',
  );
  const huge = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]);
  await t.rejects(decompress(huge), { message: /more than 20 bytes/ }, 'a length of 4 GiB takes no memory');
  await t.rejects(decompress(Buffer.alloc(9, 0xff)), { message: /no length/ });
});

/** An LZ4 frame of the given blocks. The header's checksum fits `flags` 0x60 with blocks of 64 KiB. */
function lz4Frame(blocks: readonly Buffer[], end = Buffer.alloc(4)): Buffer {
  return Buffer.concat([Buffer.from('04224d18604082', 'hex'), ...blocks, end]);
}

t.test('lz4 frames by the specification', async (t) => {
  const { decompress } = createCodec('lz4', 20);
  const plain = Buffer.from('0500008068656c6c6f', 'hex');
  t.equal(String(await decompress(lz4Frame([plain, plain]))), 'hellohello');
  t.equal((await decompress(lz4Frame([]))).length, 0);
  await t.rejects(decompress(lz4Frame([plain], Buffer.alloc(0))), unreadable('lz4'), 'without an end');
  await t.rejects(decompress(lz4Frame(Array<Buffer>(5).fill(plain))), { message: /more than 20 bytes/ });
  await t.rejects(decompress(gzipSync('other')), { message: /no LZ4 frame/ });
});

t.test('gzip takes no other format', async (t) => {
  await t.rejects(createCodec('gzip').decompress(deflateRawSync('other')), unreadable('gzip'));
});
