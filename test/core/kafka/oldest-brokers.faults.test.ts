// Three brokers of the oldest Kafka that is supported, of which the one that coordinates the group hangs: its members find the next one, and
// nothing is lost. That members do so with the newest: group/membership-conformance.ts.
//
// The next one is there after some 3 s. Sometimes, probably where the broker that hangs is the active controller too, Kafka 3.0 takes 30 s: so
// long the two others name it as the leader of the offsets topic themselves. That is longer than a session, and than a member asks in vain:
// it is built anew, and the group may have moved partitions.
import t, { type Test } from 'tap';
import { openCluster } from '../../../core/kafka/connection/clusters.ts';
import { readOffsets } from '../../../core/kafka/offsets/read-offsets.ts';
import { createTopic, ownKafka, uniqueName, withAdmin } from '../../fixtures/kafka/kafka.ts';
import { oldestRelease } from '../../fixtures/kafka/oldest-kafka.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { join, Listener, type Member } from './fixtures/member.ts';
import { openConnections } from './fixtures/offsets.ts';

// The first run installs that Kafka.
t.setTimeout(600_000);
const kafka = await ownKafka(t, { brokers: 3, release: oldestRelease });
const servers = kafka.bootstrapServers;
const partitions = 6;
const rounds = 2;
/** So long a member surely asks for a coordinator; then it is built anew. */
const patienceMs = 15_000;

/** How the cluster stands, whichever of its brokers hangs: kafkajs may wait for that one. */
function observe(t: Test, group: string, topic: string) {
  const { connections, topology } = openConnections(t, servers, { metadataMaxAgeMs: 0 });
  const soon = () => performance.now() + 5_000;
  return {
    async coordinator() {
      const found = (await topology.coordinators([group], soon())).get(group);
      if (found === undefined || 'error' in found) return undefined;
      return kafka.brokers.find(({ port }) => port === found.port);
    },
    /** Each broker is up, and has all that the others have. */
    async isWhole() {
      const { topics } = await withAdmin(servers, (admin) =>
        admin.fetchTopicMetadata({ topics: ['__consumer_offsets', topic] }),
      );
      const all = topics.flatMap((one) => one.partitions);
      return all.length > partitions && all.every(({ isr }) => isr.length === 3);
    },
    async committed() {
      const [result] = await readOffsets([{ group, topics: [topic] }], { connections, topology });
      if (result?.kind !== 'read') throw new Error('not read', { cause: result?.error });
      return result.partitions.map((one) => Number(one.committed?.offset));
    },
  };
}

const isSound = ({ isConsuming, source }: Member) => isConsuming && source.leaseEndMs > performance.now();

t.test(
  'members find the next coordinator of their group, keep what they have, and commit there',
  async (t) => {
    const topic = await createTopic(t, servers, { partitions, replicas: 3 });
    const group = uniqueName('oldest');
    const cluster = openCluster({ brokers: servers.split(','), clientId: 'oldest-test' });
    t.teardown(() => cluster.close());
    const settings = { topics: [topic], consumerGroup: group, initialOffset: 'earliest' } as const;
    const members: Member[] = [];
    for (let count = 1; count <= 2; count += 1)
      members.push(await join(t, settings, new Listener(), servers));
    const shares = () => members.map(({ next }) => [...next.keys()].sort());
    const isShared = () => shares().every(({ length }) => length === partitions / 2);
    const read = () =>
      members.flatMap(({ records_ }) => records_.map((one) => `${one.partition}@${one.offset}`));
    await until(() => members.every(isSound) && isShared(), 60_000);
    const before = shares();
    const { coordinator, isWhole, committed } = observe(t, group, topic);

    let stored = 0;
    let isLong = false;
    const write = async () => {
      const record = { topic, key: null, value: Buffer.from('x'), headers: [] };
      const writes = Array.from({ length: partitions * 2 }, () => cluster.sink.write(record));
      stored += (await Promise.all(writes)).length;
    };
    const commitAll = (member: Member) => {
      const progress = [...member.next].map(([name, offset]) => {
        return { topic, partition: Number(name.slice(topic.length + 1)), offset, metadata: '' };
      });
      return member.source.commit(progress);
    };
    await write();
    t.teardown(async () => kafka.brokers.forEach((broker) => broker.continue()));

    for (let round = 1; round <= rounds; round += 1) {
      await until(isWhole, 60_000);
      const hung = await until(coordinator, 60_000);
      hung.suspend();
      const sinceMs = performance.now();
      const written = write();
      await until(async () => {
        const next = await coordinator();
        return next !== undefined && next !== hung;
      }, 60_000);
      isLong ||= performance.now() - sinceMs > patienceMs;
      for (const member of members) {
        await until(() => commitAll(member).then(() => true), 60_000);
      }
      await until(() => members.every(isSound) && isShared(), 60_000);
      if (!isLong) t.strictSame(shares(), before, 'nobody has lost anything');
      hung.continue();
      await written;
      await until(() => new Set(read()).size === stored && isShared(), 60_000);
      if (!isLong) t.equal(read().length, stored, 'nothing comes twice');
      for (const member of members) await until(() => commitAll(member).then(() => true), 60_000);
      const sum = (await committed()).reduce((total, offset) => total + offset, 0);
      t.equal(sum, stored);
    }
    for (const { notices, told, violations } of members) {
      t.ok(isLong || notices.length === 0);
      t.ok(notices.every(({ kind }) => kind === 'rebuilt'));
      t.ok(isLong || !told.some((one) => one.startsWith('close')));
      t.strictSame(violations, []);
    }
  },
);
