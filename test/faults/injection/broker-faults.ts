// Brokers crash, hang, restart one after another, and hand over leadership.
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Admin } from 'kafkajs';
import { withAdmin } from '../../fixtures/kafka/kafka.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { offsetsTopic, type Cluster } from '../testbed/broker-cluster.ts';
import type { BrokerFault } from '../scenario/scenario.ts';
import { beginDisruption, type Testbed } from '../testbed/testbed.ts';

export async function injectBrokerFault(testbed: Testbed, fault: BrokerFault): Promise<void> {
  const { cluster, topic } = testbed;
  const topics = [topic];
  switch (fault.kind) {
    case 'broker-kill':
    case 'broker-pause':
      return cluster.exclusively(async () => {
        const broker = await cluster.find(fault.broker, topic);
        testbed.report(`broker ${broker.id} is the ${fault.broker}`);
        const end = beginDisruption(testbed, { what: fault.kind });
        if (fault.kind === 'broker-pause') broker.suspend();
        else await cluster.down(broker, false);
        await delay(fault.forMs);
        if (fault.kind === 'broker-pause') broker.continue();
        else await cluster.up(broker);
        await cluster.untilInSync(topics);
        end();
      });
    case 'broker-rolling-restart':
      return cluster.exclusively(async () => {
        const end = beginDisruption(testbed, { what: fault.kind });
        for (const broker of cluster.brokers) {
          await cluster.down(broker, true);
          await cluster.up(broker);
          await cluster.untilInSync(topics);
        }
        end();
      });
    case 'kafka-outage':
      return cluster.exclusively(async () => {
        const end = beginDisruption(testbed, { what: fault.kind, cutsOff: true });
        for (const broker of cluster.brokers) broker.suspend();
        await delay(fault.forMs);
        for (const broker of cluster.brokers) broker.continue();
        await cluster.untilInSync(topics);
        end();
      });
    case 'leader-move':
    case 'coordinator-move': {
      const end = beginDisruption(testbed, { what: fault.kind });
      await cluster.exclusively(() =>
        moveLeaders(cluster, fault.kind === 'leader-move' ? topic : offsetsTopic),
      );
      end();
      return;
    }
    case 'min-isr-loss':
      return loseMinIsr(testbed, fault.of === 'source' ? topic : offsetsTopic, fault.forMs);
  }
}

/** The topic requires all three in-sync replicas while one broker is down, so it takes no writes. */
export async function loseMinIsr(testbed: Testbed, topic: string, forMs: number): Promise<void> {
  const { cluster } = testbed;
  await cluster.exclusively(async () => {
    const end = beginDisruption(testbed, { what: `${topic} below min.insync.replicas` });
    await setTopicConfig(cluster, topic, { 'min.insync.replicas': '3' });
    const leader = await cluster.find(topic === offsetsTopic ? 'coordinator' : 'leader', topic);
    const other = cluster.brokers.find((broker) => broker !== leader)!;
    await cluster.down(other, true);
    await delay(forMs);
    await cluster.up(other);
    await setTopicConfig(cluster, topic, {});
    await cluster.untilInSync([topic]);
    end();
  });
}

/** Kafka's own configuration of the offsets topic. AlterConfigs replaces all of it, so each change must repeat these. */
const offsetsConfig = {
  'cleanup.policy': 'compact',
  'compression.type': 'producer',
  'segment.bytes': '104857600',
};

/** Replaces the topic's configuration: `config` and what the topic must always have. */
export async function setTopicConfig(
  { bootstrapServers }: Cluster,
  topic: string,
  config: Readonly<Record<string, string>>,
): Promise<void> {
  const whole = { 'min.insync.replicas': '2', ...(topic === offsetsTopic ? offsetsConfig : {}), ...config };
  const configEntries = Object.entries(whole).map(([name, value]) => ({ name, value }));
  await persist(bootstrapServers, (admin) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }],
    }),
  );
}

/** Repeats `work` until it succeeds: brokers may be down, or may not have the latest metadata yet. */
export async function persist<T>(bootstrapServers: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const done: T[] = [];
  await until(async () => {
    done.push(await withAdmin(bootstrapServers, work));
    return true;
  }, 60_000);
  return done[0] as T;
}

/** Makes another replica than the leader the preferred one of each partition. Brokers move leadership to the preferred replica. */
async function moveLeaders({ bootstrapServers }: Cluster, topic: string): Promise<void> {
  const read = async (admin: Admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions ?? [];
  };
  const wanted = await persist(bootstrapServers, async (admin) => {
    const partitionAssignment = (await read(admin)).map(({ partitionId, replicas, leader }) => {
      const others = replicas.filter((id) => id !== leader);
      return { partition: partitionId, replicas: [...others, leader] };
    });
    await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] });
    return new Map(partitionAssignment.map(({ partition, replicas }) => [partition, replicas[0]]));
  });
  await until(async () => {
    const partitions = await withAdmin(bootstrapServers, read);
    return partitions.every(({ partitionId, leader }) => leader === wanted.get(partitionId));
  }, 30_000);
}
