// The oldest Kafka that is supported: all that is asked of a broker, asked of one of Kafka 3.0. Other tests use the newest. And what one that
// is older still comes to.
import t from 'tap';
import { chooseMembership } from '../../../core/kafka/group/choose-membership.ts';
import { createClassicMembership } from '../../../core/kafka/group/classic-membership.ts';
import { leaveGroupRequest } from '../../../core/kafka/group/classic-requests.ts';
import { keepOffsets } from '../../../core/kafka/offsets/keep-offsets.ts';
import { readOffsets } from '../../../core/kafka/offsets/read-offsets.ts';
import { createRecordSink } from '../../../core/kafka/produce/producer-sink.ts';
import { triggerManifest, useGateway } from '../../fixtures/gateway.ts';
import {
  consumeAll,
  createTopic,
  ownKafka,
  produce,
  uniqueName,
  withAdmin,
} from '../../fixtures/kafka/kafka.ts';
import { oldestRelease } from '../../fixtures/kafka/oldest-kafka.ts';
import { serveFunction } from '../../fixtures/oracle/oracle-function.ts';
import { createOracle } from '../../fixtures/oracle/oracle.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { fetchLog } from './fixtures/fetch-log.ts';
import { openFetcher } from './fixtures/fetching.ts';
import { GroupMember, Members } from './fixtures/group-member.ts';
import { commit, openConnections } from './fixtures/offsets.ts';
import { join } from './fixtures/member.ts';
import { startScriptedBroker } from './fixtures/scripted-broker.ts';
import { conform } from './group/membership-conformance.ts';

// The first run installs that Kafka.
t.setTimeout(300_000);
const { bootstrapServers: servers } = await ownKafka(t, { release: oldestRelease });
// It answers before it knows of a controller.
await until(() =>
  withAdmin(servers, (admin) => admin.describeCluster().then(({ controller }) => controller)),
);

conform(t, {
  create: createClassicMembership,
  servers,
  spreads: true,
  remove: async (t, _servers, groupId, { memberId }) => {
    const { connections, topology } = openConnections(t, servers);
    const deadlineMs = performance.now() + 20_000;
    const coordinator = (await topology.coordinators([groupId], deadlineMs)).get(groupId);
    if (coordinator === undefined || 'error' in coordinator) throw new Error('no coordinator');
    await connections.sendTo(coordinator, leaveGroupRequest(groupId, memberId), deadlineMs);
  },
});

t.test('`auto` joins by the classic protocol; `consumer` says which Kafka it needs', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 2 });
  const fallbacks: string[] = [];
  const open = (protocol: 'auto' | 'consumer') => {
    const create = chooseMembership(protocol, (group) => fallbacks.push(group));
    const groupId = uniqueName(protocol);
    return new GroupMember(t, { create, servers, groupId, topics: [topic], members: new Members() });
  };
  const auto = open('auto');
  await auto.membership.start([topic]);
  t.strictSame([auto.open.size, fallbacks], [2, []]);
  await t.rejects(open('consumer').membership.start([topic]), {
    code: 'MILLRACE_KAFKA_UNSUPPORTED',
    message: /is older than Kafka 4\.0: it has no ConsumerGroupHeartbeat v1$/,
  });
});

t.test('fetches name topics, at rest and promptly; a topic that comes again is not read on', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 2 });
  const { follow, fetches } = openFetcher(t, servers);
  const [first, second] = [0, 1].map((partition) => follow({ topic, partition }));
  await produce(servers, topic, [{ value: 'a', partition: 0 }]);
  const polls = () => fetches.filter(({ lane, answer }) => lane === 'fetch' && answer !== undefined);
  await until(() => first!.values.length === 1 && polls().length > 1);
  await produce(servers, topic, [{ value: 'b', partition: 1 }]);
  await until(() => second!.values.length === 1);
  t.ok(polls().every(({ answer }) => answer!.sessionId !== 0 && !answer!.byId));
  t.ok(polls()[0]!.bytes > polls()[1]!.bytes, 'what is at rest is on the wire once');

  await withAdmin(servers, async (admin) => {
    await admin.deleteTopics({ topics: [topic] });
    await until(() => admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true }));
  });
  await until(() => first!.ranges.length === 1 && second!.ranges.length === 1, 30_000);
  await produce(servers, topic, [{ value: 'c', partition: 0 }]);
  for (const { fetch } of [first!, second!]) fetch.seek(0n);
  await until(() => first!.values.length === 2);
  t.strictSame([first!.values, second!.values], [['a', 'c'], ['b']]);
});

t.test('what is stored is stored as it is', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 1 });
  const opened = openConnections(t, servers);
  const sink = createRecordSink(opened);
  t.teardown(() => sink.close());
  const headers = ['a', 'b', 'a'].map((name, index) => ({ name, value: Buffer.from(`${index}`) }));
  const key = Buffer.from([0, 0xfe]);
  t.match(await sink.write({ topic, key, value: null, headers }), { partition: 0, offset: 0n });
  t.match(await fetchLog(opened, topic), [{ key, value: null, headers }]);
});

t.test('offsets are read, partitions in their order, and kept', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 3 });
  const group = uniqueName('kept');
  await produce(
    servers,
    topic,
    [0, 1, 2].map((partition) => ({ value: 'x', partition })),
  );
  await commit(servers, group, topic, ['1', '0', '1']);
  const opened = openConnections(t, servers);
  const committed = async () => {
    const [result] = await readOffsets([{ group, topics: [topic] }], opened);
    if (result?.kind !== 'read') throw new Error('not read', { cause: result?.error });
    return result.partitions.map(({ partition, end, committed }) => [partition, end, committed?.offset]);
  };
  const before = [
    [0, 1n, 1n],
    [1, 1n, 0n],
    [2, 1n, 1n],
  ];
  t.strictSame(await committed(), before);
  const outcome = await keepOffsets(group, { ...opened, deadlineMs: performance.now() + 20_000 });
  t.equal(outcome.kind, 'kept');
  t.strictSame(await committed(), before);
});

t.test(
  'a whole trigger: replies in transactions, dead letters, nothing lost and nothing twice',
  async (t) => {
    const topic = await createTopic(t, servers, { partitions: 3 });
    const notices = await createTopic(t, servers, { partitions: 1, name: 'notices' });
    const deadLetterTopic = await createTopic(t, servers, { partitions: 1, name: 'dead' });
    const group = uniqueName('group');
    const oracle = createOracle(t, { bootstrapServers: servers, topic, group, deadLetterTopic });
    const { uri } = await serveFunction(t, oracle, ({ receipts: [receipt] }) => {
      const { partition, offset } = receipt!;
      if (offset % 10n === 9n) return { status: 400 };
      const id = `${partition}:${offset}`;
      const headers = { 'ce-specversion': '1.0', 'ce-id': id, 'ce-source': '/fn', 'ce-type': 'notice' };
      return { status: 200, headers, body: id };
    });
    const manifests = [triggerManifest(oracle, uri, { reply: { topic: notices, transactional: true } })];
    const gateway = await useGateway(t, { bootstrapServers: servers, manifests });
    oracle.watchCommits();
    await oracle.produce(300);
    await until(() => gateway.trigger().replies + gateway.trigger().deadLettered === 300, 60_000);
    const verdict = await oracle.verdict();
    t.strictSame([verdict.problems, verdict.duplicates], [[], []]);
    const replies = (await consumeAll(servers, notices)).map(({ value }) => String(value));
    t.equal(new Set(replies).size, replies.length);
    t.equal(replies.length, gateway.trigger().replies);
    t.ok(gateway.trigger().deadLettered > 0);
  },
);

t.test('an older broker: the trigger says so, and what to do', async (t) => {
  // Of Kafka 2.7.
  const broker = await startScriptedBroker(t, { answer: () => undefined, metadataVersion: 9 });
  const source = { topics: ['orders'], consumerGroup: 'orders', initialOffset: 'earliest' as const };
  const member = await join(t, source, undefined, broker.address);
  const failing = () => member.states.find((state) => state.kind === 'failing');
  await until(failing);
  t.match(failing(), {
    error: {
      code: 'MILLRACE_KAFKA_UNSUPPORTED',
      message: /^Broker 127\.0\.0\.1:\d+ is older than Kafka 3\.0: it has no Metadata v10$/,
      remedy: /Kafka 3\.0 to 4\.4/,
    },
  });
});
