// What cannot be opened waits alone: three real brokers, and members by both protocols.
import t, { type Test } from 'tap';
import type { GroupProtocol } from '../../../../core/contract/kafka-access.ts';
import type { SourceSettings } from '../../../../core/contract/subscription.ts';
import { openCluster } from '../../../../core/kafka/connection/clusters.ts';
import { createTopic, ownKafka, produce, uniqueName, withAdmin } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { openConnections } from '../fixtures/offsets.ts';
import { join as joinGroup, Listener, type Member } from '../fixtures/member.ts';

t.setTimeout(600_000);
const kafka = await ownKafka(t, {
  brokers: 3,
  properties: {
    'group.consumer.min.session.timeout.ms': '10000',
    'group.consumer.session.timeout.ms': '10000',
    'group.consumer.min.heartbeat.interval.ms': '500',
    'group.consumer.heartbeat.interval.ms': '500',
  },
});
const servers = kafka.bootstrapServers;

function join(t: Test, groupProtocol: GroupProtocol, settings: Partial<SourceSettings>): Promise<Member> {
  const source = { initialOffset: 'earliest', ...settings } as const;
  return joinGroup(t, source, new Listener(), servers, { groupProtocol });
}

/** The ids of the leaders of `topic`, by partition. */
async function leadersOf(t: Test, topic: string): Promise<number[]> {
  const { topology } = openConnections(t, servers);
  const leaders = (await topology.topics(new Set([topic]), performance.now() + 10_000)).leadersOf(topic);
  if ('error' in leaders) throw leaders.error;
  const byPartition = [...leaders].sort(([a], [b]) => a - b);
  return byPartition.map(([, leader]) => ('error' in leader ? -1 : leader.nodeId));
}

/** A topic without replicas, the partition of it that one broker leads, and that broker, which coordinates no group. */
async function topicOnAll(t: Test) {
  const topic = await createTopic(t, servers, { partitions: 3, replicas: 1 });
  const leaders = await leadersOf(t, topic);
  const [coordinator] = await leadersOf(t, '__consumer_offsets');
  const stuck = leaders.findIndex((leader) => leader !== coordinator);
  const broker = kafka.brokers.find(({ id }) => id === leaders[stuck]);
  if (broker === undefined) throw new Error('each broker leads a partition');
  t.teardown(async () => broker.continue());
  return { topic, stuck, broker, others: [0, 1, 2].filter((partition) => partition !== stuck) };
}

const one = (partition: number) => ({ value: 'one', partition });
const countOf = (member: Member, partition: number) =>
  member.records_.filter((record) => record.partition === partition).length;
const isFailing = ({ states }: Member) => states.at(-1)?.kind === 'failing';
const rebuilds = ({ notices }: Member) => notices.filter(({ kind }) => kind === 'rebuilt');

t.before(async () => {
  // The topic of the groups is there from the first of them on.
  await withAdmin(servers, (admin) => until(() => admin.fetchOffsets({ groupId: 'first' }), 60_000));
});

for (const protocol of ['classic', 'consumer'] as const)
  t.test(`members by the ${protocol} protocol`, async (t) => {
    await t.test('a partition without a leader, at the join and while it runs', async (t) => {
      const { topic, stuck, broker, others } = await topicOnAll(t);
      await produce(servers, topic, [0, 1, 2].map(one));
      await broker.kill();
      const settings = { topics: [topic], consumerGroup: uniqueName('leaderless') };
      const member = await join(t, protocol, settings);
      await until(() => others.every((partition) => countOf(member, partition) === 1), 60_000);
      await until(() => isFailing(member), 60_000);
      t.match(member.states.at(-1), { error: { code: /KAFKA_FAILED|UNREACHABLE/ } });
      const ours = member.told.filter((one) => one.startsWith('open'));
      t.equal(ours.length, 2);
      await broker.restart();
      await until(() => countOf(member, stuck) === 1 && member.isConsuming, 60_000);

      await broker.kill();
      const progress = others.map((partition) => ({ topic, partition, offset: 1n, metadata: '' }));
      await until(() => produce(servers, topic, others.map(one)), 60_000);
      await until(() => others.every((partition) => countOf(member, partition) === 2), 60_000);
      await member.source.commit(progress);
      const second = await join(t, protocol, settings);
      await until(() => second.states.length > 2 && (isFailing(member) || isFailing(second)), 60_000);
      await until(() => member.next.size + second.next.size === 2, 60_000);
      await broker.restart();
      await until(() => member.isConsuming && second.isConsuming, 60_000);
      t.equal(member.next.size + second.next.size, 3);
      t.strictSame([...rebuilds(member), ...rebuilds(second)], [], 'nobody has joined anew for it');
    });

    await t.test('a broker that hangs during a rebalance', async (t) => {
      const { topic, stuck, broker, others } = await topicOnAll(t);
      const settings = { topics: [topic], consumerGroup: uniqueName('hung') };
      const cluster = openCluster({ brokers: servers.split(','), clientId: 'openings-test' });
      t.teardown(() => cluster.close());
      const first = await join(t, protocol, settings);
      await until(() => first.isConsuming && first.next.size === 3, 60_000);
      // It has its producer id from the controller, which may be the broker that hangs.
      const record = { topic, key: null, value: Buffer.from('one'), headers: [] };
      await cluster.sink.write(record);
      broker.suspend();
      const second = await join(t, protocol, settings);
      await until(() => second.next.size + first.next.size >= 2 && first.next.size < 3, 60_000);
      const members = [first, second];
      const read = (partition: number) => members.reduce((sum, one) => sum + countOf(one, partition), 0);
      // By our own sink, in turn: kafkajs stores nothing while a broker hangs.
      const writes = Array.from({ length: 6 }, () => cluster.sink.write(record));
      const written = Promise.allSettled(writes);
      await until(() => others.every((partition) => read(partition) >= 1), 60_000);
      for (const member of members)
        for (const partition of others.filter((one) => member.next.has(`${topic}/${one}`)))
          await member.source.commit([{ topic, partition, offset: 1n, metadata: '' }]);
      t.ok(members.every(({ source }) => source.leaseEndMs > performance.now()));
      broker.continue();
      await written;
      await until(() => produce(servers, topic, [one(stuck)]), 60_000);
      await until(() => read(stuck) >= 1 && members.every(({ isConsuming }) => isConsuming), 60_000);
      t.strictSame(members.flatMap(rebuilds), []);
    });

    await t.test('a topic that is not there, at the join and while it runs', async (t) => {
      const stays = await createTopic(t, servers, { partitions: 1, replicas: 3 });
      const topic = uniqueName('missing');
      const create = (admin: Parameters<Parameters<typeof withAdmin>[1]>[0]) =>
        admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 3 }] });
      const settings = { topics: [stays, topic], consumerGroup: uniqueName('missing') };
      await produce(servers, stays, [one(0)]);
      const member = await join(t, protocol, { ...settings, initialOffset: 'latest' });
      await until(() => member.next.size === 1 && isFailing(member), 60_000);
      const missing = { error: { code: 'MILLRACE_TOPIC_MISSING' }, reason: `topic "${topic}" missing` };
      t.match(member.states.at(-1), missing);
      await produce(servers, stays, [one(0)]);
      await until(() => member.records_.length === 1, 60_000);

      await withAdmin(servers, create);
      await until(() => produce(servers, topic, [one(0)]), 60_000);
      await until(() => member.records_.length === 2 && member.isConsuming, 60_000);

      const before = rebuilds(member).length;
      await withAdmin(servers, (admin) => admin.deleteTopics({ topics: [topic] }));
      await until(() => isFailing(member) && !member.next.has(`${topic}/0`), 60_000);
      await produce(servers, stays, [one(0)]);
      await until(() => member.records_.length === 3, 60_000);
      await withAdmin(servers, (admin) => until(() => create(admin), 60_000));
      await until(() => produce(servers, topic, [one(0)]), 60_000);
      await until(() => member.records_.length === 4 && member.isConsuming, 60_000);
      t.equal(rebuilds(member).length, before, 'nobody has joined anew for it');
      await withAdmin(servers, (admin) => admin.deleteTopics({ topics: [topic] }));
    });
  });
