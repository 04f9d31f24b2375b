// Against a real broker; what happens when one dies is in offsets.faults.test.ts.
import t from 'tap';
import { createKafka } from '../../../../core/kafka/administration/kafka-client.ts';
import type { OffsetsResult } from '../../../../core/kafka/offsets/partition-offsets.ts';
import { createTopic, produce, uniqueName, useKafka, withAdmin } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { commit, openReader } from '../fixtures/offsets.ts';

t.setTimeout(600_000);
const limit = { timeout: 120_000 };

function partitionsOf(result: OffsetsResult | undefined) {
  if (result?.kind !== 'read') throw new Error('not read', { cause: result?.error });
  return result.partitions;
}

const values = (count: number, partition: number) =>
  Array.from({ length: count }, () => ({ value: 'x', partition }));

t.test('log start, end, committed offsets and their metadata', limit, async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 3 });
  const group = uniqueName('group');
  await produce(servers, topic, [...values(5, 0), ...values(3, 1)]);
  await withAdmin(servers, async (admin) => {
    // kafkajs forgets to load the metadata that deleteTopicRecords needs.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
  });
  const consumer = createKafka({ brokers: servers.split(','), clientId: 'committer' }).consumer({
    groupId: group,
  });
  t.teardown(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topic });
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
  await consumer.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
  await joined;
  let isCommitted = false;
  consumer.on('consumer.commit_offsets', () => (isCommitted = true));
  await until(async () => {
    // While it joins again, kafkajs forgets a commit without a word.
    await consumer.commitOffsets([{ topic, partition: 0, offset: '4', metadata: 'v1;mühlrad' }]);
    return isCommitted;
  }, 30_000);

  const reader = openReader(t, servers);
  const [ours, fresh] = await reader.read([
    { group, topics: [topic] },
    { group: uniqueName('fresh'), topics: [topic] },
  ]);
  t.match(partitionsOf(ours), [
    { topic, partition: 0, logStart: 2n, end: 5n, committed: { offset: 4n, metadata: 'v1;mühlrad' } },
    { topic, partition: 1, logStart: 0n, end: 3n, committed: undefined },
    { topic, partition: 2, logStart: 0n, end: 0n, committed: undefined },
  ]);
  const log = { cluster: /^[0-9a-f]{8}$/, topic: /^[0-9a-f]{16}$/, epoch: 0 };
  for (const one of partitionsOf(ours)) t.match(one.log, log);
  t.strictSame(
    partitionsOf(fresh).map(({ committed }) => committed),
    [undefined, undefined, undefined],
  );
});

t.test('the start at a time, for partitions without a committed offset only', limit, async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 2 });
  const group = uniqueName('group');
  const at = (timestampMs: number, partition: number) => ({
    value: 'x',
    partition,
    timestamp: String(timestampMs),
  });
  await produce(servers, topic, [at(1_000, 0), at(2_000, 0), at(3_000, 0), at(1_000, 1)]);
  const reader = openReader(t, servers);
  const query = { group, topics: [topic], startTimestampMs: 1_500 };
  const starts = async () =>
    partitionsOf((await reader.read([query]))[0]).map(({ atStartTimestamp }) => atStartTimestamp);
  t.strictSame(await starts(), [1n, 1n], 'no record that young: the end');
  await commit(servers, group, topic, ['0']);
  t.strictSame(await starts(), [undefined, 1n]);
});

t.test('an open transaction is not owed yet, an aborted one is passed', limit, async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  await produce(servers, topic, values(2, 0));
  const kafka = createKafka({ brokers: servers.split(','), clientId: 'producer' });
  const producer = kafka.producer({
    transactionalId: uniqueName('tx'),
    idempotent: true,
    maxInFlightRequests: 1,
  });
  t.teardown(() => producer.disconnect());
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: values(3, 0) });
  const reader = openReader(t, servers);
  const end = async () => partitionsOf((await reader.read([{ group: 'any', topics: [topic] }]))[0])[0]?.end;
  t.equal(await end(), 2n);
  await transaction.abort();
  await until(async () => (await end()) === 6n);
});

t.test('a topic pattern matches whole names, and no internal topics', limit, async (t) => {
  const servers = await useKafka(t);
  const prefix = uniqueName('quake');
  const [one, two, other] = await Promise.all(
    [`${prefix}.one`, `${prefix}.two`, `x.${prefix}`].map((name) =>
      createTopic(t, servers, { partitions: 1, name }),
    ),
  );
  const reader = openReader(t, servers, { metadataMaxAgeMs: 100 });
  const query = { group: 'any', topics: [], topicPattern: `${prefix}\\..*` };
  const [matched, all, none, broken] = await reader.read([
    query,
    { ...query, topicPattern: '.*' },
    { ...query, topicPattern: 'no-such-.*' },
    { ...query, topicPattern: '(' },
  ]);
  t.strictSame(
    partitionsOf(matched)
      .map(({ topic }) => topic)
      .toSorted(),
    [one, two].toSorted(),
  );
  const names = new Set(partitionsOf(all).map(({ topic }) => topic));
  t.ok(names.has(other ?? '') && !names.has('__consumer_offsets'));
  t.strictSame(partitionsOf(none), []);
  t.equal(broken?.kind, 'failed');

  const third = await createTopic(t, servers, { partitions: 1, name: `${prefix}.three` });
  await until(async () => partitionsOf((await reader.read([query]))[0]).some(({ topic }) => topic === third));
});

t.test(
  'a missing topic is an error of its own queries only; topics and partitions that come are noticed',
  limit,
  async (t) => {
    const servers = await useKafka(t);
    const topic = await createTopic(t, servers, { partitions: 1 });
    const gone = await createTopic(t, servers, { partitions: 1 });
    const absent = uniqueName('absent');
    const reader = openReader(t, servers, { metadataMaxAgeMs: 200 });
    const queries = [topic, gone, absent].map((name) => ({ group: 'any', topics: [topic, name] }));
    const kinds = async () =>
      (await reader.read(queries)).map((result) => (result.kind === 'read' ? 'read' : result.error.code));
    t.strictSame(await kinds(), ['read', 'read', 'MILLRACE_TOPIC_MISSING']);
    await withAdmin(servers, (admin) => admin.deleteTopics({ topics: [gone] }));
    await until(async () => (await kinds())[1] === 'MILLRACE_TOPIC_MISSING');
    t.strictSame(await kinds(), ['read', 'MILLRACE_TOPIC_MISSING', 'MILLRACE_TOPIC_MISSING']);

    await withAdmin(servers, (admin) =>
      admin.createTopics({ topics: [{ topic: absent, numPartitions: 1 }] }),
    );
    t.teardown(() => withAdmin(servers, (admin) => admin.deleteTopics({ topics: [absent] })));
    await until(async () => (await kinds())[2] === 'read');
    await withAdmin(servers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }));
    await until(async () => partitionsOf((await reader.read(queries))[0]).length === 3);
  },
);

t.test('100 groups of 20 topics in a handful of requests', limit, async (t) => {
  const servers = await useKafka(t);
  const topics = await Promise.all(
    Array.from({ length: 20 }, () => createTopic(t, servers, { partitions: 3 })),
  );
  const groups = Array.from({ length: 100 }, () => uniqueName('group'));
  const [topic = ''] = topics;
  await produce(servers, topic, values(4, 1));
  await commit(servers, groups[7] ?? '', topic, ['0', '3', '0']);
  let sent: string[] = [];
  const reader = openReader(t, servers, {
    metadataMaxAgeMs: 60_000,
    onRequest: (apiName) => sent.push(apiName),
  });
  const read = () => reader.read(groups.map((group) => ({ group, topics })));
  const results = await read();
  t.strictSame(sent.toSorted(), ['FindCoordinator', 'ListOffsets', 'ListOffsets', 'Metadata', 'OffsetFetch']);
  t.equal(results.length, 100);
  t.ok(results.every((result) => partitionsOf(result).length === 60));
  t.match(partitionsOf(results[7])[1], {
    topic,
    partition: 1,
    end: 4n,
    committed: { offset: 3n, metadata: '' },
  });
  t.equal(partitionsOf(results[8])[1]?.committed, undefined);

  sent = [];
  await read();
  t.strictSame(
    sent.toSorted(),
    ['ListOffsets', 'ListOffsets', 'OffsetFetch'],
    'once leaders and coordinators are known',
  );
});

t.test('two queries of one group', limit, async (t) => {
  const servers = await useKafka(t);
  const [a, b] = [
    await createTopic(t, servers, { partitions: 1 }),
    await createTopic(t, servers, { partitions: 1 }),
  ];
  const group = uniqueName('group');
  await commit(servers, group, b, ['0']);
  const [first, second] = await openReader(t, servers).read([
    { group, topics: [a] },
    { group, topics: [b, a] },
  ]);
  t.strictSame(
    partitionsOf(first).map(({ topic }) => topic),
    [a],
  );
  t.strictSame(
    partitionsOf(second).map(({ committed }) => committed?.offset),
    [0n, undefined],
  );
});

t.test('no broker at all', limit, async (t) => {
  const reader = openReader(t, '127.0.0.1:1,127.0.0.1:2');
  for (const queries of [[], [{ group: 'any', topics: ['any'] }]]) {
    await t.rejects(reader.read(queries), { code: 'MILLRACE_KAFKA_UNREACHABLE' });
  }
  await reader.close();
  await t.rejects(reader.read([]), { code: 'MILLRACE_KAFKA_UNREACHABLE', message: /closed/ });
});
