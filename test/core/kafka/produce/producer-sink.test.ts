// Against a real broker.
import t, { type Test } from 'tap';
import type { OutgoingRecord, StoredAt } from '../../../../core/contract/record-sink.ts';
import { createRecordSink } from '../../../../core/kafka/produce/producer-sink.ts';
import { consumeAll, createTopic, kafkaClient, uniqueName, useKafka } from '../../../fixtures/kafka/kafka.ts';
import { fetchLog } from '../fixtures/fetch-log.ts';
import { openConnections } from '../fixtures/offsets.ts';
import { headersOf } from '../../../gateway/events/build.ts';

t.setTimeout(110_000);

async function openSink(t: Test) {
  const servers = await useKafka(t);
  return { servers, sink: sinkAt(t, servers) };
}

function sinkAt(t: Test, servers: string) {
  const sink = createRecordSink(openConnections(t, servers));
  t.teardown(() => sink.close());
  return sink;
}

const recordOf = (topic: string, value: string, changes: Partial<OutgoingRecord> = {}): OutgoingRecord => ({
  topic,
  key: null,
  value: Buffer.from(value),
  headers: [],
  ...changes,
});

t.test('the record is stored as it is, its headers in their order', async (t) => {
  const { servers, sink } = await openSink(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  const headers = [
    ...headersOf(
      ['tag', 'a'],
      ['10', Buffer.from([0xff, 0])],
      ['tag', null],
      ['9', ''],
      ['tag', ''],
      ['__proto__', null],
      ['constructor', 'b'],
      ['', 'no name'],
    ),
    { name: 'caf\ufffd', nameBytes: Buffer.from('caf\xe9', 'latin1'), value: null },
  ];
  const record = {
    key: Buffer.from([0, 0xfe]),
    value: Buffer.from([0xc3, 0x28]),
    headers,
    timestampMs: 1_700_000_000_123,
  };
  await sink.write({ topic, ...record });
  await sink.write({ topic, key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [] });
  await sink.write({ topic, key: null, value: null, headers: [] });
  const [first, second, third] = await fetchLog(openConnections(t, servers), topic);
  t.match(first, { key: record.key, value: record.value, timestampMs: record.timestampMs });
  t.strictSame(
    first!.headers.map(({ name, nameBytes = Buffer.from(name), value }) => [nameBytes, value]),
    headers.map(({ name, nameBytes = Buffer.from(name), value }) => [nameBytes, value]),
  );
  t.match(second, { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [] });
  t.match(third, { key: null, value: null });
  t.ok(Math.abs(Date.now() - second!.timestampMs) < 3_600_000, 'now, where no time is given');
});

t.test('each write learns its own place, however many are under way', async (t) => {
  const { servers, sink } = await openSink(t);
  const topics = [
    await createTopic(t, servers, { partitions: 3 }),
    await createTopic(t, servers, { partitions: 1 }),
  ];
  const writes: Promise<[string, StoredAt]>[] = [];
  for (let index = 0; index < 1_500; index += 1) {
    const [topic, value] = [topics[index % 2]!, `value ${index}`];
    const key = index % 5 === 0 ? null : Buffer.from(`key ${index % 17}`);
    writes.push(sink.write(recordOf(topic, value, { key })).then((at) => [value, at]));
    if (index % 400 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const told = new Map(
    (await Promise.all(writes)).map(([value, at]) => [`${at.topic}/${at.partition}/${at.offset}`, value]),
  );
  t.equal(told.size, writes.length, 'no two at one place');
  const found = new Map<string, string>();
  for (const topic of topics) {
    for (const { partition, offset, value } of await consumeAll(servers, topic))
      found.set(`${topic}/${partition}/${offset}`, String(value));
  }
  t.strictSame(
    [...told].filter(([place, value]) => found.get(place) !== value),
    [],
    'and each at its own',
  );
});

t.test('records of one key are stored in the order that they were written in', async (t) => {
  const { servers, sink } = await openSink(t);
  const topic = await createTopic(t, servers, { partitions: 4 });
  const values = Array.from({ length: 1_200 }, (_, index) => `${index}`);
  await Promise.all(values.map((value) => sink.write(recordOf(topic, value, { key: Buffer.from('one') }))));
  t.strictSame(
    (await consumeAll(servers, topic)).map(({ value }) => String(value)),
    values,
  );
});

t.test('a write in the very step that another one ends leaves too', async (t) => {
  const { servers, sink } = await openSink(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  // Each microtask after the end of a batch might be the gap in which nobody looks at the queue.
  for (let gap = 0; gap < 12; gap += 1) {
    await sink.write(recordOf(topic, 'first'));
    for (let tick = 0; tick < gap; tick += 1) await Promise.resolve();
    t.match(await sink.write(recordOf(topic, 'next')), { topic, partition: 0, offset: BigInt(gap * 2 + 1) });
  }
});

t.test('a record that is too large fails alone', async (t) => {
  const { servers, sink } = await openSink(t);
  const topic = await createTopic(t, servers, { partitions: 1, configs: { 'max.message.bytes': '100000' } });
  const sizes = [10, 60_000, 150_000, 10, 60_000, 10];
  const results = await Promise.allSettled(
    sizes.map((size) => sink.write(recordOf(topic, 'x'.repeat(size)))),
  );
  t.strictSame(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
  t.strictSame(
    (await consumeAll(servers, topic)).map(({ value }) => value?.length),
    [10, 60_000, 10, 60_000, 10],
  );
});

t.test(
  'so does one in the middle of a batch of small ones, larger than the topic takes together',
  async (t) => {
    const { servers, sink } = await openSink(t);
    const topic = await createTopic(t, servers, { partitions: 1, configs: { 'max.message.bytes': '5000' } });
    const values = Array.from({ length: 200 }, (_, index) => `${index}`.padEnd(index === 77 ? 9_000 : 100));
    const results = await Promise.allSettled(values.map((value) => sink.write(recordOf(topic, value))));
    t.strictSame(
      results.flatMap(({ status }, index) => (status === 'rejected' ? index : [])),
      [77],
    );
    t.strictSame(
      (await consumeAll(servers, topic)).map(({ value }) => String(value)),
      values.toSpliced(77, 1),
      'and the order stays',
    );
  },
);

t.test('so does one that its topic cannot hold', async (t) => {
  const { servers, sink } = await openSink(t);
  const topic = await createTopic(t, servers, { partitions: 1, configs: { 'cleanup.policy': 'compact' } });
  const keys = ['a', null, 'b', null, 'c'].map((key) => (key === null ? null : Buffer.from(key)));
  const results = await Promise.allSettled(keys.map((key) => sink.write(recordOf(topic, 'x', { key }))));
  t.strictSame(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
  );
});

t.test('a topic that is missing fails its writes and no others, and does not come to be', async (t) => {
  const { servers, sink } = await openSink(t);
  const [topic, missing] = [await createTopic(t, servers, { partitions: 1 }), uniqueName('missing')];
  const failed = t.rejects(sink.write(recordOf(missing, 'lost')));
  t.match(await sink.write(recordOf(topic, 'kept')), { topic, offset: 0n });
  await failed;
  const admin = kafkaClient(servers).admin();
  t.notOk((await admin.listTopics()).includes(missing));
  await admin.createTopics({ topics: [{ topic: missing }] });
  t.match(
    await sink.write(recordOf(missing, 'kept')),
    { topic: missing, offset: 0n },
    'and once it is there, it is found',
  );
  await admin.deleteTopics({ topics: [missing] });
  await admin.disconnect();
});

t.test('no broker: the write rejects, and the next one tries again', async (t) => {
  const sink = sinkAt(t, '127.0.0.1:1');
  await t.rejects(sink.write(recordOf('any', 'lost')), {
    code: 'MILLRACE_KAFKA_UNREACHABLE',
  });
  await t.rejects(sink.write(recordOf('any', 'lost')));
});

t.test('a close waits for what is under way', async (t) => {
  const { servers } = await openSink(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  const sink = sinkAt(t, servers);
  const written = Array.from({ length: 20 }, (_, index) => sink.write(recordOf(topic, `${index}`)));
  await sink.close();
  t.equal((await Promise.allSettled(written)).filter(({ status }) => status === 'fulfilled').length, 20);
});
