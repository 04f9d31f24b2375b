// Reading offsets from brokers of our own, when they hang, die, come back, or hand over to each other.
import t from 'tap';
import { createTopic, ownKafka, uniqueName } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { commit, openReader } from '../fixtures/offsets.ts';

t.setTimeout(600_000);

t.test(
  'a broker that holds its connections and answers nothing, then dies, then comes back',
  { timeout: 180_000 },
  async (t) => {
    const kafka = await ownKafka(t);
    const [broker] = kafka.brokers;
    if (broker === undefined) throw new Error('no broker');
    const topic = await createTopic(t, kafka.bootstrapServers, { partitions: 2 });
    const reader = openReader(t, kafka.bootstrapServers, { timeoutMs: 1_500, requestTimeoutMs: 400 });
    const query = { group: 'any', topics: [topic] };
    const isRead = async () => (await reader.read([query]))[0]?.kind === 'read';
    await until(isRead);

    broker.suspend();
    const failed = await reader.read([query]).catch((error: unknown) => error);
    t.match(
      JSON.stringify(failed) + String(failed),
      /MILLRACE_KAFKA_UNREACHABLE|does not answer|No broker answers/,
    );
    broker.continue();
    await until(isRead);

    await broker.kill();
    await t.rejects(reader.read([query]), { code: 'MILLRACE_KAFKA_UNREACHABLE' });
    await broker.restart();
    await until(isRead, 60_000);
  },
);

t.test('leaders and coordinators move: one broker of three dies', { timeout: 240_000 }, async (t) => {
  const properties = { 'offsets.topic.replication.factor': '3', 'offsets.topic.num.partitions': '6' };
  const kafka = await ownKafka(t, { brokers: 3, properties });
  const servers = kafka.bootstrapServers;
  const topic = await createTopic(t, servers, { partitions: 6, replicas: 3 });
  const pinned = await createTopic(t, servers, { partitions: 3, replicas: 1 });
  const groups = Array.from({ length: 12 }, () => uniqueName('group'));
  await Promise.all(groups.map((group) => commit(servers, group, topic, ['0', '0', '0', '0', '0', '0'])));
  const sent: string[] = [];
  const reader = openReader(t, servers, { onRequest: (apiName) => sent.push(apiName) });
  const queries = [
    ...groups.map((group) => ({ group, topics: [topic] })),
    { group: 'any', topics: [pinned] },
  ];
  const kinds = async () => (await reader.read(queries)).map(({ kind }) => kind);
  await until(async () => (await kinds()).every((kind) => kind === 'read'));
  sent.length = 0;
  await kinds();
  t.strictSame(
    {
      lists: sent.filter((name) => name === 'ListOffsets').length,
      fetches: sent.filter((name) => name === 'OffsetFetch').length,
    },
    { lists: 6, fetches: 3 },
    'two per leader, one per coordinator',
  );

  await kafka.brokers[0]?.kill();
  await until(async () => (await kinds()).slice(0, -1).every((kind) => kind === 'read'), 60_000);
  t.equal(
    (await kinds()).at(-1),
    'failed',
    'a partition without a leader fails its own query, and is no zero',
  );
  await kafka.brokers[0]?.restart();
  await until(async () => (await kinds()).every((kind) => kind === 'read'), 60_000);
});
