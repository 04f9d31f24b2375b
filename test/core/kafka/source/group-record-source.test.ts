// Against a real broker: members of real groups.
import t from 'tap';
import { openCluster } from '../../../../core/kafka/connection/clusters.ts';
import {
  createTopic,
  kafkaClient,
  produce,
  uniqueName,
  useKafka,
  withAdmin,
} from '../../../fixtures/kafka/kafka.ts';
import { subscriptionOf } from '../../../fixtures/subscription.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { committedIn, join, Listener, offsetsOf, values, type Member } from '../fixtures/member.ts';

t.setTimeout(115_000);

t.test(
  'the initial offset is committed before the first record, so that nothing from then on is missed',
  async (t) => {
    const servers = await useKafka(t);
    const topic = await createTopic(t, servers, { partitions: 2 });
    await produce(
      servers,
      topic,
      [1_000, 2_000, 3_000].map((timestamp) => ({ value: 'x', partition: 0, timestamp: `${timestamp}` })),
    );
    const cases = { latest: [3, 0], earliest: [0, 0], time: [1, 0], future: [3, 0] };
    const initial = {
      latest: 'latest',
      earliest: 'earliest',
      time: { timestampMs: 1_500 },
      future: { timestampMs: 9_000 },
    } as const;
    await Promise.all(
      (Object.keys(cases) as (keyof typeof cases)[]).map(async (name) => {
        const consumerGroup = uniqueName(name);
        const member = await join(t, { topics: [topic], consumerGroup, initialOffset: initial[name] });
        await until(() => member.isConsuming);
        t.strictSame(await committedIn(servers, consumerGroup, topic), cases[name], name);
        t.strictSame(member.told, [`open 0@${cases[name][0]}`, 'open 1@0', 'resume'], name);
        t.strictSame([...new Set(member.states.map(({ kind }) => kind))], ['starting', 'consuming']);
        await until(() => member.records_.length === 3 - cases[name][0]!);
      }),
    );
  },
);

t.test('records as they stand in the log', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  const member = await join(t, {
    topics: [topic],
    consumerGroup: uniqueName('bytes'),
    initialOffset: 'latest',
  });
  await until(() => member.isConsuming);
  const headers = { tag: [Buffer.from('a'), Buffer.from([0xff])], constructor: 'x' };
  await produce(servers, topic, [
    { key: Buffer.from([0, 0xfe]), value: Buffer.from([0xc3, 0x28]), headers, timestamp: '1700000000123' },
    { key: null, value: null },
    { key: '', value: '' },
  ]);
  await until(() => member.records_.length === 3);
  const [first, second, third] = member.records_;
  t.strictSame(first, {
    topic,
    partition: 0,
    offset: 0n,
    timestampMs: 1_700_000_000_123,
    key: Buffer.from([0, 0xfe]),
    value: Buffer.from([0xc3, 0x28]),
    headers: [
      { name: 'tag', value: Buffer.from('a') },
      { name: 'tag', value: Buffer.from([0xff]) },
      { name: 'constructor', value: Buffer.from('x') },
    ],
  });
  t.match(second, { key: null, value: null, headers: [] });
  t.match(third, { key: Buffer.alloc(0), value: Buffer.alloc(0) });
});

t.test('markers of transactions do not leave the position behind, nor do aborted records', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  const member = await join(t, {
    topics: [topic],
    consumerGroup: uniqueName('tx'),
    initialOffset: 'earliest',
  });
  const producer = kafkaClient(servers).producer({
    transactionalId: uniqueName('tx'),
    idempotent: true,
    maxInFlightRequests: 1,
  });
  t.teardown(() => producer.disconnect());
  await producer.connect();
  for (const end of ['commit', 'abort', 'commit'] as const) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: values(2) });
    await transaction[end]();
  }
  await until(() => member.next.get(`${topic}/0`) === 9n);
  t.strictSame(offsetsOf(member.records_), [0, 1, 6, 7]);
});

t.test('a pause holds one partition back, unpaused it goes on where it stood', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 2 });
  const member = await join(t, {
    topics: [topic],
    consumerGroup: uniqueName('pause'),
    initialOffset: 'earliest',
  });
  await until(() => member.isConsuming);
  member.source.pause({ topic, partition: 0 });
  // A fetch may be under way; what it brings may still come.
  await produce(servers, topic, values(1, 1));
  await until(() => member.records_.length === 1);
  await produce(servers, topic, [...values(5, 0)]);
  await produce(servers, topic, [...values(5, 1)]);
  await until(() => member.records_.length >= 6);
  t.strictSame(
    member.records_.filter(({ partition }) => partition === 0),
    [],
  );
  member.source.unpause({ topic, partition: 0 });
  await until(() => member.records_.length === 11);
  t.strictSame(offsetsOf(member.records_.filter(({ partition }) => partition === 0)), [0, 1, 2, 3, 4]);
});

t.test('a group goes on from what was committed', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  const settings = {
    topics: [topic],
    consumerGroup: uniqueName('commit'),
    initialOffset: 'earliest' as const,
  };
  await produce(servers, topic, values(5));
  const first = await join(t, settings);
  await until(() => first.records_.length === 5);
  await first.source.commit([{ topic, partition: 0, offset: 3n, metadata: 'as it was' }]);
  t.strictSame(await committedIn(servers, settings.consumerGroup, topic), [3]);
  const fetch = { groupId: settings.consumerGroup, topics: [topic] };
  const [found] = await withAdmin(servers, (admin) => admin.fetchOffsets(fetch));
  t.equal(found!.partitions[0]!.metadata, 'as it was');
  await first.source.stop();
  t.strictSame(first.told, ['open 0@0', 'resume', 'release 0', 'close 0']);
  await t.rejects(first.source.commit([{ topic, partition: 0, offset: 4n, metadata: '' }]), /not a member/);
  const second = await join(t, settings);
  await until(() => second.records_.length === 2);
  t.strictSame(offsetsOf(second.records_), [3, 4]);
});

t.test('two members: what moves is drained first, what stays goes on all the while', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 4 });
  const settings = {
    topics: [topic],
    consumerGroup: uniqueName('two'),
    initialOffset: 'earliest' as const,
  };
  // One partition at a time: the test's producer would repeat what one partition took when another one was not ready yet.
  const produceToAll = async () => {
    for (const partition of [0, 1, 2, 3]) await produce(servers, topic, values(3, partition));
  };
  const readBy = (member: Member, partition: number) =>
    offsetsOf(member.records_.filter((record) => record.partition === partition));
  await produceToAll();
  const one = await join(t, settings);
  await until(() => one.records_.length === 12);
  const drained = Promise.withResolvers<void>();
  // As a pipeline does: what is settled is committed before another member may have it.
  one.onRelease = async (partitions) => {
    await one.source.commit(partitions.map((partition) => ({ ...partition, offset: 2n, metadata: '' })));
    await drained.promise;
  };
  const two = await join(t, settings);
  await until(() => one.told.includes('release 2 3'));
  t.equal(two.next.size, 0, 'the other waits for them');
  await until(() => one.told.at(-1) === 'resume');
  await produceToAll();
  await until(() => readBy(one, 0).length === 6 && readBy(one, 1).length === 6);
  t.equal(readBy(one, 2).length, 3, 'of what leaves, nothing more is read');

  drained.resolve();
  await until(() => two.next.size === 2);
  t.strictSame(
    one.told.filter((word) => word.startsWith('open')),
    ['open 0@0', 'open 1@0', 'open 2@0', 'open 3@0'],
    'none was opened again',
  );
  t.strictSame(two.told.slice(-3), ['open 2@2', 'open 3@2', 'resume']);
  await until(() => two.records_.length === 8);
  t.strictSame(readBy(one, 0), [0, 1, 2, 3, 4, 5], 'nor fetched again');

  one.onRelease = () => Promise.resolve();
  await two.source.stop();
  // It left the group: nobody waits for the end of its session.
  await until(() => one.next.size === 4, 8_000);
});

t.test('what is committed while a join looks up the offsets is known to be ours', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 4 });
  const settings = {
    topics: [topic],
    consumerGroup: uniqueName('busy'),
    initialOffset: 'earliest' as const,
  };
  const one = await join(t, settings);
  await until(() => one.next.size === 4 && one.isConsuming);
  const over = new AbortController();
  const committing = (async () => {
    for (let offset = 1n; !over.signal.aborted; offset += 1n) {
      const partitions = [...one.next.keys()].map((name) => Number(name.split('/')[1]));
      const progress = partitions.map((partition) => ({ topic, partition, offset, metadata: '' }));
      await one.source.commit(progress).catch(() => undefined);
    }
  })();
  for (let round = 0; round < 3; round += 1) {
    const two = await join(t, settings);
    await until(() => two.next.size === 2);
    await two.source.stop();
    await until(() => one.next.size === 4);
  }
  over.abort();
  await committing;
  const closed = one.told.filter((word) => word.startsWith('close'));
  t.equal(closed.length, 6, 'two for each of the others, and none for being taken for theirs');
});

t.test('a partition that was added is read from its first record, whatever the initial offset', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  const settings = {
    topics: [topic],
    consumerGroup: uniqueName('added'),
    initialOffset: 'latest' as const,
  };
  await produce(servers, topic, values(2));
  const first = await join(t, settings);
  await until(() => first.isConsuming);
  t.strictSame(first.partitionCounts, [1]);
  await first.source.stop();
  await withAdmin(servers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }));
  await until(() => produce(servers, topic, values(2, 2)));
  const second = await join(t, settings);
  await until(() => second.records_.length === 2);
  t.strictSame(second.told.slice(0, 3), ['open 0@2', 'open 1@0', 'open 2@0']);
  t.strictSame(second.partitionCounts, [1, 3, 3]);
});

t.test(
  'history that was deleted is passed over, a topic that came again is read from its start',
  async (t) => {
    const servers = await useKafka(t);
    const topic = await createTopic(t, servers, { partitions: 1 });
    const settings = {
      topics: [topic],
      consumerGroup: uniqueName('range'),
      initialOffset: 'earliest' as const,
    };
    await produce(servers, topic, values(5));
    const member = await join(t, settings);
    await until(() => member.records_.length === 5);
    member.source.pause({ topic, partition: 0 });
    await produce(servers, topic, values(5));
    await withAdmin(servers, async (admin) => {
      await admin.fetchTopicMetadata({ topics: [topic] });
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '8' }] });
    });
    member.source.unpause({ topic, partition: 0 });
    await until(() => member.records_.length >= 7);
    t.strictSame(offsetsOf(member.records_), [0, 1, 2, 3, 4, 8, 9]);

    await withAdmin(servers, (admin) => admin.deleteTopics({ topics: [topic] }));
    await until(() =>
      withAdmin(servers, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })),
    );
    await until(() => produce(servers, topic, values(3)));
    await until(() => member.records_.length >= 10, 60_000);
    t.strictSame(offsetsOf(member.records_).slice(7), [0, 1, 2]);
  },
);

t.test('a topic that is missing is said to be, and is read as soon as it is there', async (t) => {
  const servers = await useKafka(t);
  const topic = uniqueName('late');
  const member = await join(t, {
    topics: [topic],
    consumerGroup: uniqueName('late'),
    initialOffset: 'earliest',
  });
  await until(() => member.states.some(({ kind }) => kind === 'failing'));
  const failing = member.states.find((state) => state.kind === 'failing');
  t.match(failing, { error: { code: 'MILLRACE_TOPIC_MISSING' }, reason: `topic "${topic}" missing` });
  t.teardown(() => withAdmin(servers, (admin) => admin.deleteTopics({ topics: [topic] })));
  await withAdmin(servers, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }));
  await until(() => member.isConsuming);
  await produce(servers, topic, values(1));
  await until(() => member.records_.length === 1);
});

t.test('a pattern means the topics whose whole name it matches', async (t) => {
  const servers = await useKafka(t);
  const name = uniqueName('pattern');
  const [one, two] = [
    await createTopic(t, servers, { partitions: 1, name }),
    await createTopic(t, servers, { partitions: 1, name: `x-${name}` }),
  ];
  await produce(servers, one, values(1));
  await produce(servers, two, values(1));
  const settings = {
    topics: [],
    topicPattern: `${name}-.*`,
    consumerGroup: name,
    initialOffset: 'earliest' as const,
  };
  const member = await join(t, settings);
  await until(() => member.records_.length > 0);
  t.strictSame([...member.next.keys()], [`${one}/0`]);
});

t.test('no broker: failing, and a stop does not wait for one', async (t) => {
  const cluster = openCluster({ brokers: ['127.0.0.1:1'], clientId: 'source-test' });
  const listener = new Listener();
  const source = cluster.createSource(subscriptionOf('away'), listener);
  source.start();
  await until(() => listener.states.some(({ kind }) => kind === 'failing'));
  t.match(
    listener.states.find(({ kind }) => kind === 'failing'),
    { error: { code: 'MILLRACE_KAFKA_UNREACHABLE' } },
  );
  await source.stop();
  await cluster.close();
  t.strictSame(listener.told, []);
});

t.test('a stop before or during the start', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  const member = await join(t, {
    topics: [topic],
    consumerGroup: uniqueName('early'),
    initialOffset: 'earliest',
  });
  await member.source.stop();
  t.strictSame(
    member.told.filter((word) => word !== 'release'),
    [],
  );
});
