// Brokers die, hang, restart one after the other, and hand over what they lead.
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Admin } from 'kafkajs';
import { withAdmin } from '../fixtures/kafka/kafka.ts';
import { until } from '../scaler/fixtures/until.ts';
import { offsetsTopic, type Cluster } from './cluster.ts';
import type { BrokerFault } from './scenario.ts';
import { beginTrouble, type Stage } from './stage.ts';

export async function inflictOnBrokers(stage: Stage, fault: BrokerFault): Promise<void> {
  const { cluster, topic } = stage;
  const topics = [topic];
  switch (fault.kind) {
    case 'broker-kill':
    case 'broker-pause':
      return cluster.exclusively(async () => {
        const broker = await cluster.find(fault.broker, topic);
        stage.say(`it is broker ${broker.id}`);
        const end = beginTrouble(stage, { what: fault.kind });
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
        const end = beginTrouble(stage, { what: fault.kind });
        for (const broker of cluster.brokers) {
          await cluster.down(broker, true);
          await cluster.up(broker);
          await cluster.untilInSync(topics);
        }
        end();
      });
    case 'kafka-outage':
      return cluster.exclusively(async () => {
        const end = beginTrouble(stage, { what: fault.kind, cutsOff: true });
        for (const broker of cluster.brokers) broker.suspend();
        await delay(fault.forMs);
        for (const broker of cluster.brokers) broker.continue();
        await cluster.untilInSync(topics);
        end();
      });
    case 'leader-move':
    case 'coordinator-move': {
      const end = beginTrouble(stage, { what: fault.kind });
      await cluster.exclusively(() =>
        moveLeaders(cluster, fault.kind === 'leader-move' ? topic : offsetsTopic),
      );
      end();
      return;
    }
    case 'min-isr-loss':
      return loseMinIsr(stage, fault.of === 'source' ? topic : offsetsTopic, fault.forMs);
  }
}

/** The topic wants all three replicas, and one of them is not there: it takes no writes. */
export async function loseMinIsr(stage: Stage, topic: string, forMs: number): Promise<void> {
  const { cluster } = stage;
  await cluster.exclusively(async () => {
    const end = beginTrouble(stage, { what: `${topic} below its minimum of replicas` });
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

/** What Kafka gives the topic of offsets; setting one configuration takes the others away. */
const offsetsConfig = {
  'cleanup.policy': 'compact',
  'compression.type': 'producer',
  'segment.bytes': '104857600',
};

/** The whole of a topic's own configuration, besides what it must have. */
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

/** Brokers may be away, or not know yet; what is asked for must be done all the same. */
export async function persist<T>(bootstrapServers: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const done: T[] = [];
  await until(async () => {
    done.push(await withAdmin(bootstrapServers, work));
    return true;
  }, 60_000);
  return done[0] as T;
}

/** Names another replica than the leader first, of each partition; brokers hand over to whoever is first. */
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
