// A member of the group that is measured, in its own process. Arguments: client, brokers, topic. At `ages` it reports by IPC how old the oldest
// record of each partition was on arrival, since it was last asked, in ms; at `leave` it leaves the group, and ends.
import { benchSubscription, readingListener } from '../../cli/bench/triggers.ts';
import type { GroupProtocol } from '../../core/contract/kafka-access.ts';
import type { PartitionProgress } from '../../core/contract/record-source.ts';
import type { TopicPartition } from '../../core/contract/record.ts';
import { createKafka } from '../../core/kafka/administration/kafka-client.ts';
import { openCluster } from '../../core/kafka/connection/clusters.ts';

export type MemberClient = 'millrace, consumer' | 'millrace, classic' | 'kafkajs';
export type OldestAges = Readonly<Record<string, number>>;

const [client = '', brokers = '', topic = ''] = process.argv.slice(2);
const servers = brokers.split(',');
const groupId = `rebalances-${client.replace(/\W+/g, '-')}`;
let oldest: Record<string, number> = {};

function arrived(partition: number, value: Buffer | null): void {
  oldest[partition] = Math.max(oldest[partition] ?? 0, Date.now() - Number(value?.toString()));
}

function startMillrace(groupProtocol: GroupProtocol): () => Promise<void> {
  const cluster = openCluster({ brokers: servers, clientId: 'millrace-bench', groupProtocol });
  const progress = new Map<number, PartitionProgress>();
  const reading = readingListener(({ partition }, records, offset, leaderEpoch) => {
    for (const { value } of records) arrived(partition, value);
    progress.set(partition, { topic, partition, offset, leaderEpoch, metadata: '' });
  });
  // Whoever gets a partition goes on where it was.
  const release = async (partitions: readonly TopicPartition[]): Promise<void> => {
    await source.commit(partitions.flatMap(({ partition }) => progress.get(partition) ?? []));
  };
  const source = cluster.createSource(benchSubscription(groupId, topic, 'latest'), { ...reading, release });
  source.start();
  return async () => {
    await source.stop();
    await cluster.close();
  };
}

async function startKafkajs(): Promise<() => Promise<void>> {
  const consumer = createKafka({ brokers: servers, clientId: 'kafkajs-bench' }).consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic] });
  await consumer.run({
    eachBatch: ({ batch }) => {
      for (const { value } of batch.messages) arrived(batch.partition, value);
      return Promise.resolve();
    },
  });
  return () => consumer.disconnect();
}

const starts: Record<string, () => (() => Promise<void>) | Promise<() => Promise<void>>> = {
  'millrace, consumer': () => startMillrace('consumer'),
  'millrace, classic': () => startMillrace('classic'),
  kafkajs: startKafkajs,
};

const stop = await starts[client]?.();
// The bench is gone.
process.once('disconnect', () => process.exit());
process.on('message', (asked) => {
  if (asked === 'ages') {
    process.send?.(oldest);
    oldest = {};
    return;
  }
  void (async () => {
    await stop?.();
    process.disconnect();
  })();
});
