// What is stored once, and what is said of it, when connections, brokers and producer ids are lost on the way.
import t, { type Test } from 'tap';
import { MillraceError } from '../../../../core/contract/errors.ts';
import type { OutgoingRecord, RecordSink } from '../../../../core/contract/record-sink.ts';
import { createTopology } from '../../../../core/kafka/connection/topology.ts';
import type { ProduceAnswer } from '../../../../core/kafka/produce/produce-requests.ts';
import { createRecordSink } from '../../../../core/kafka/produce/producer-sink.ts';
import { consumeAll, createTopic, ownKafka, useKafka, withAdmin } from '../../../fixtures/kafka/kafka.ts';
import { faultyConnections, lost, taken, type Fault } from '../fixtures/faulty-connections.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { openConnections } from '../fixtures/offsets.ts';

t.setTimeout(240_000);

function openFaulty(t: Test, servers: string) {
  const connections = faultyConnections(openConnections(t, servers).connections);
  const topology = createTopology({ connections, metadataMaxAgeMs: 30_000 });
  const sink = createRecordSink({ connections, topology });
  t.teardown(() => sink.close());
  return { connections, sink };
}

async function prepare(t: Test) {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  return { ...openFaulty(t, servers), servers, topic };
}

const recordOf = (topic: string, value: string, key: string | null = null): OutgoingRecord => ({
  topic,
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
  headers: [],
});

/** In the order of each partition. */
async function storedIn(servers: string, topic: string): Promise<string[]> {
  return (await consumeAll(servers, topic)).map(({ value }) => String(value));
}

/** The broker answers with `errorCode`, and has stored nothing. */
const refused =
  (topic: string, errorCode: number): Fault =>
  () => {
    const partition = { topic, partition: 0, errorCode, baseOffset: -1n, recordErrors: [], message: null };
    return Promise.resolve({ partitions: [partition], throttleMs: 0 } satisfies ProduceAnswer);
  };

/** The broker has stored it, and answers with `errorCode` all the same. */
const storedBut =
  (errorCode: number): Fault =>
  async (send) => {
    const { partitions } = (await send()) as ProduceAnswer;
    return { partitions: partitions.map((one) => ({ ...one, errorCode, baseOffset: -1n })), throttleMs: 0 };
  };

t.test('an answer that is lost: the batch is sent again, stored once, and knows its place', async (t) => {
  const { connections, sink, servers, topic } = await prepare(t);
  await sink.write(recordOf(topic, 'a'));
  connections.fail('Produce', taken, lost, taken);
  const places = await Promise.all(['b', 'c', 'd'].map((value) => sink.write(recordOf(topic, value))));
  t.strictSame(
    places.map(({ offset }) => offset),
    [1n, 2n, 3n],
  );
  await sink.write(recordOf(topic, 'e'));
  t.strictSame(await storedIn(servers, topic), ['a', 'b', 'c', 'd', 'e']);
});

t.test('a leader that was one until just now has stored what it refuses', async (t) => {
  const { connections, sink, servers, topic } = await prepare(t);
  for (const code of [6, 7, 20]) {
    connections.fail('Produce', storedBut(code));
    await sink.write(recordOf(topic, `${code}`));
  }
  t.strictSame(await storedIn(servers, topic), ['6', '7', '20']);
});

t.test('a producer that the partition does not know: another one takes its place', async (t) => {
  const { connections, sink, servers, topic } = await prepare(t);
  await sink.write(recordOf(topic, 'a'));
  for (const code of [45, 47, 59]) {
    connections.fail('Produce', refused(topic, code));
    await sink.write(recordOf(topic, `${code}`));
  }
  t.strictSame(await storedIn(servers, topic), ['a', '45', '47', '59']);
});

t.test(
  'where it may be stored, and the producer is lost, the write rejects: what follows is stored',
  async (t) => {
    const { connections, sink, servers, topic } = await prepare(t);
    await sink.write(recordOf(topic, 'a'));
    connections.fail('Produce', taken, refused(topic, 45));
    await t.rejects(sink.write(recordOf(topic, 'b')), {
      message: /whether .*-0 has the record is not known/,
    });
    // By the same producer, with the same sequence, the broker would take it for the one before.
    t.match(await sink.write(recordOf(topic, 'c')), { offset: 2n });
    t.strictSame(await storedIn(servers, topic), ['a', 'b', 'c']);
  },
);

t.test('one topic that refuses keeps no other waiting', async (t) => {
  const { connections, sink, servers, topic } = await prepare(t);
  const other = await createTopic(t, servers, { partitions: 1 });
  await sink.write(recordOf(topic, 'a'));
  connections.fail('Produce', refused(topic, 44));
  await t.rejects(sink.write(recordOf(topic, 'b')), { message: /POLICY_VIOLATION/ });
  await Promise.all([sink.write(recordOf(topic, 'c')), sink.write(recordOf(other, 'd'))]);
  t.strictSame([await storedIn(servers, topic), await storedIn(servers, other)], [['a', 'c'], ['d']]);
});

t.test('a broker that is killed while it stores: each record is there once', async (t) => {
  const kafka = await ownKafka(t);
  const servers = kafka.bootstrapServers;
  const topic = await createTopic(t, servers, { partitions: 3 });
  const { sink } = openFaulty(t, servers);
  const writes: Promise<unknown>[] = [];
  let id = 0;
  const writeSome = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1, id += 1) {
      writes.push(untilStored(sink, recordOf(topic, `${id}`)));
      if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await writeSome(500);
  const killed = kafka.brokers[0]!.kill();
  await writeSome(500);
  await killed;
  await kafka.brokers[0]!.restart();
  await Promise.all(writes);
  await checkOnceInOrder(t, servers, topic, 1_000);
});

/** Writes again what is not stored; rejects where that is not known. */
async function untilStored(sink: RecordSink, record: OutgoingRecord): Promise<void> {
  for (;;) {
    try {
      await sink.write(record);
      return;
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
    }
  }
}

async function checkOnceInOrder(t: Test, servers: string, topic: string, count: number): Promise<void> {
  const stored = await consumeAll(servers, topic);
  t.equal(stored.length, count);
  t.equal(new Set(stored.map(({ value }) => String(value))).size, count);
  for (const [key, ofKey] of Map.groupBy(stored, (record) => String(record.key))) {
    if (key === 'null') continue;
    const ids = ofKey.map(({ value }) => Number(value));
    t.strictSame(
      ids,
      ids.toSorted((a, b) => a - b),
      key,
    );
  }
}

t.test('leaders that move, in order and by a kill: each record is there once, in order', async (t) => {
  const kafka = await ownKafka(t, { brokers: 3 });
  const servers = kafka.bootstrapServers;
  const configs = { 'min.insync.replicas': '2' };
  const topic = await createTopic(t, servers, { partitions: 3, replicas: 3, configs });
  const { sink } = openFaulty(t, servers);
  const writes: Promise<unknown>[] = [];
  let id = 0;
  const timer = setInterval(() => {
    for (let index = 0; index < 20; index += 1, id += 1) {
      const write = sink.write(recordOf(topic, `${id}`, `key ${id % 7}`));
      write.catch(() => undefined);
      writes.push(write);
    }
  }, 20);
  t.teardown(async () => clearInterval(timer));
  const [one, two] = kafka.brokers;
  await one!.stop();
  await one!.restart();
  await untilInSync(servers, topic);
  await two!.kill();
  await two!.restart();
  await untilInSync(servers, topic);
  clearInterval(timer);
  await Promise.all(writes);
  await checkOnceInOrder(t, servers, topic, id);
});

async function untilInSync(servers: string, topic: string): Promise<void> {
  await until(async () => {
    const { topics } = await withAdmin(servers, (admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    return topics[0]?.partitions.every(({ isr }) => isr.length === 3) === true;
  }, 60_000);
}
