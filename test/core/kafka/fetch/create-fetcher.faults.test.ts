// Fetching from brokers of our own, when they hang, die, come back, hand over to each other, or are near.
import t from 'tap';
import { createRecordSink } from '../../../../core/kafka/produce/producer-sink.ts';
import { createTopic, ownKafka, produce, withAdmin } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { openFetcher, type Followed, type TestFetcher } from '../fixtures/fetching.ts';
import { openConnections } from '../fixtures/offsets.ts';

t.setTimeout(600_000);
const racks = { 'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector' };
const kafka = await ownKafka(t, {
  brokers: 3,
  properties: ({ id }) => ({ ...racks, 'broker.rack': `rack-${id}` }),
});
const servers = kafka.bootstrapServers;

function each(partitions: number, value: string) {
  return Array.from({ length: partitions }, (_, partition) => ({ partition, value }));
}

/** Partitions of `topic` by the port of their leader. */
async function ledBy(topic: string, { topology }: TestFetcher): Promise<Map<number, number>> {
  const view = await topology.topics(new Set([topic]), performance.now() + 10_000);
  const leaders = view.leadersOf(topic);
  if ('error' in leaders) throw leaders.error;
  return new Map(
    [...leaders].flatMap(([partition, leader]) => ('error' in leader ? [] : [[leader.port, partition]])),
  );
}

function brokerAt(port: number) {
  const broker = kafka.brokers.find((one) => one.port === port);
  if (broker === undefined) throw new Error(`no broker at ${port}`);
  return broker;
}

/** How many records a partition has. */
async function lengthOf(topic: string, partition: number): Promise<number> {
  const offsets = await withAdmin(servers, (admin) => admin.fetchTopicOffsets(topic));
  return Number(offsets.find((one) => one.partition === partition)?.high);
}

function allHave(followed: readonly Followed[], value: string): boolean {
  return followed.every(({ values }) => values.at(-1) === value);
}

t.test('a broker that hangs delays its own partitions, until they have another leader', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 3, replicas: 3 });
  const alone = await createTopic(t, servers, { partitions: 3, replicas: 1 });
  const opened = openFetcher(t, servers, { metadataMaxAgeMs: 60_000 });
  const moving = [0, 1, 2].map((partition) => opened.follow({ topic, partition }));
  const staying = [0, 1, 2].map((partition) => opened.follow({ topic: alone, partition }));
  await produce(servers, topic, each(3, 'a'));
  await produce(servers, alone, each(3, 'a'));
  await until(() => [...moving, ...staying].every(({ values }) => values.length === 1));

  const [[port, stuck] = [0, 0]] = await ledBy(alone, opened);
  const broker = brokerAt(port);
  broker.suspend();
  t.teardown(async () => broker.continue());
  for (const { fetch } of [...moving, ...staying]) fetch.seek(0n);
  const others = staying.filter((_one, partition) => partition !== stuck);
  await until(() => others.every(({ values }) => values.length === 2));
  await until(
    () => (staying[stuck]?.troubles.length ?? 0) > 0 && moving.every(({ values }) => values.length === 2),
    60_000,
  );
  t.strictSame(staying[stuck]?.values, ['a']);
  t.ok(others.every(({ troubles }) => troubles.length === 0));
  const leader = async (partition: number) => {
    opened.topology.forgetTopics([alone]);
    const view = await opened.topology.topics(new Set([alone]), performance.now() + 10_000);
    return view.leaderOf(alone, partition);
  };
  await until(async () => 'error' in (await leader(stuck)), 60_000);
  t.hasProp(await leader((stuck + 1) % 3), 'port', 'one without a leader is no failure of the others');

  broker.continue();
  await until(
    () => staying[stuck]?.values.length === 2 && staying[stuck].troubles.at(-1) === undefined,
    60_000,
  );
  for (const { values } of [...moving, ...staying]) t.strictSame(values, ['a', 'a']);
});

t.test('brokers die and come back one after the other: nothing is lost, nothing comes twice', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 6, replicas: 3 });
  const { follow } = openFetcher(t, servers, { metadataMaxAgeMs: 60_000 });
  const all = each(6, '').map(({ partition }) => follow({ topic, partition }));
  const sent: string[] = [];
  for (const broker of kafka.brokers) {
    await broker.kill();
    sent.push(`without ${broker.id}`);
    await until(() => produce(servers, topic, each(6, `without ${broker.id}`)), 60_000);
    await until(() => allHave(all, `without ${broker.id}`), 60_000);
    await broker.restart();
  }
  for (const { values } of all) t.strictSame([...new Set(values)], sent);
});

t.test('a replica in our rack is fetched from, and its leader where it is away (KIP-392)', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 3, replicas: 3 });
  const near = kafka.brokers[1];
  if (near === undefined) throw new Error('three brokers');
  const { follow, fetches } = openFetcher(t, servers, {
    rackId: `rack-${near.id}`,
    metadataMaxAgeMs: 60_000,
  });
  const all = [0, 1, 2].map((partition) => follow({ topic, partition }));
  await produce(servers, topic, each(3, 'a'));
  await until(() => allHave(all, 'a'));
  const withRecords = fetches.filter(({ answer }) =>
    [...(answer?.partitions.values() ?? [])].some(({ bytes }) => bytes.length > 0),
  );
  t.strictSame([...new Set(withRecords.map(({ port }) => port))], [near.port]);

  await near.kill();
  await until(() => produce(servers, topic, each(3, 'b')), 60_000);
  await until(() => allHave(all, 'b'), 60_000);
  await near.restart();
});

t.test(
  'a replica in our rack hangs: its partitions are read from their leaders, all others as before',
  async (t) => {
    const topic = await createTopic(t, servers, { partitions: 3, replicas: 3 });
    const alone = await createTopic(t, servers, { partitions: 3, replicas: 1 });
    const near = kafka.brokers[1];
    if (near === undefined) throw new Error('three brokers');
    // No request is given up: whoever waits for the replica has to look elsewhere by itself.
    const opened = openFetcher(t, servers, {
      rackId: `rack-${near.id}`,
      metadataMaxAgeMs: 600_000,
      requestTimeoutMs: 600_000,
    });
    const moving = [0, 1, 2].map((partition) => opened.follow({ topic, partition }));
    const ownedByNear = (await ledBy(alone, opened)).get(near.port);
    const others = [0, 1, 2]
      .filter((partition) => partition !== ownedByNear)
      .map((partition) => opened.follow({ topic: alone, partition }));
    t.equal(others.length, 2);
    const sink = createRecordSink(openConnections(t, servers));
    t.teardown(() => sink.close());
    // Without a key, partitions have them in turn. kafkajs stores nothing while a broker hangs.
    const write = (to: string, value: string) =>
      Promise.allSettled(
        Array.from({ length: 9 }, () =>
          sink.write({ topic: to, key: null, value: Buffer.from(value), headers: [] }),
        ),
      );
    /** What is at rest waits for an answer of the replica. */
    const isAtRest = () =>
      opened.fetches.some(({ lane, port, isOver }) => lane === 'fetch' && port === near.port && !isOver);
    const readFrom = (since: number) =>
      opened.fetches.slice(since).flatMap(({ port, answer }) => {
        const bytes = [...(answer?.partitions.values() ?? [])].reduce(
          (sum, one) => sum + one.bytes.length,
          0,
        );
        return bytes > 0 ? [port] : [];
      });

    await produce(servers, topic, each(3, 'a'));
    await until(() => allHave(moving, 'a'));
    t.strictSame([...new Set(readFrom(0))], [near.port]);
    await write(alone, 'a');
    await until(() => allHave(others, 'a') && isAtRest());

    const ledByNear = (await ledBy(topic, opened)).get(near.port);
    near.suspend();
    t.teardown(async () => near.continue());
    const from = opened.fetches.length;
    const written = write(topic, 'b');
    const besides = write(alone, 'b');
    await until(() => allHave(others, 'b'), 60_000);
    const led = moving.filter((_one, partition) => partition !== ledByNear);
    await until(() => allHave(led, 'b'));
    t.notOk(readFrom(from).includes(near.port));
    t.ok(others.every(({ troubles }) => troubles.length === 0));
    t.ok(led.every(({ troubles }) => troubles.at(-1) === undefined));

    near.continue();
    await Promise.all([written, besides]);
    const back = opened.fetches.length;
    await until(async () => {
      await write(topic, 'c');
      return readFrom(back).includes(near.port);
    }, 60_000);
    await until(() => allHave(moving, 'c'), 60_000);
    const settled = await Promise.all([0, 1, 2].map((partition) => lengthOf(topic, partition)));
    await until(() => moving.every(({ values }, partition) => values.length === settled[partition]), 60_000);
    for (const { found } of moving) {
      const next = found.map(({ nextOffset }) => nextOffset);
      t.strictSame(
        found.map(({ fetchedOffset }) => fetchedOffset),
        [0n, ...next.slice(0, -1)],
        'each from where the one before ended',
      );
    }
  },
);

t.test('a log that is another one before the position says where it left ours (KIP-320)', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 1, replicas: 3 });
  const opened = openFetcher(t, servers);
  await produce(servers, topic, [{ value: 'a' }, { value: 'b' }]);
  const [[port] = [0]] = await ledBy(topic, opened);
  await brokerAt(port).kill();
  await until(() => produce(servers, topic, [{ value: 'c' }, { value: 'd' }]), 60_000);
  await brokerAt(port).restart();

  const followed = opened.follow({ topic, partition: 0 });
  await until(() => allHave([followed], 'd'));
  const [first, last] = [followed.found[0], followed.found.at(-1)];
  t.ok((last?.leaderEpoch ?? 0) > 0);
  followed.fetch.seek(3n, 0);
  await until(() => followed.ranges.length === 1);
  t.strictSame(followed.ranges, [2n], 'the epoch that is said to have written offset 2 ended there');
  followed.fetch.seek(3n, last?.leaderEpoch);
  await until(() => followed.values.length === 5);
  t.equal(first?.fetchedOffset, 0n);
});

t.test('a topic that comes again by the same name is not read on', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 1, replicas: 3 });
  const { follow } = openFetcher(t, servers, { metadataMaxAgeMs: 60_000 });
  const followed = follow({ topic, partition: 0 });
  await produce(servers, topic, [{ value: 'a' }]);
  await until(() => allHave([followed], 'a'));
  await withAdmin(servers, async (admin) => {
    await admin.deleteTopics({ topics: [topic] });
    await until(() => admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true }));
  });
  await until(() => produce(servers, topic, [{ value: 'b' }, { value: 'c' }]));
  await until(() => followed.ranges.length === 1, 60_000);
  t.strictSame(followed.values, ['a']);
  followed.fetch.seek(0n);
  await until(() => followed.values.length === 3);
});
