// The packers are Kafka's own: the topic's compression.type makes the broker pack again what kafkajs produces.
import kafkajs, { type Kafka } from 'kafkajs';
import t, { type Test } from 'tap';
import { createCodec } from '../../../../core/kafka/administration/codecs.ts';
import type { Compression } from '../../../../core/kafka/records/compressions.ts';
import { createKafka } from '../../../../core/kafka/administration/kafka-client.ts';
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
    message: /^a batch cannot be read: compressed with lz4, it cannot be unpacked/,
  });
});
