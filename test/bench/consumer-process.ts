// Consumption alone, by one client. Runs in its own process. Arguments: client, brokers, topic, records. Reports over IPC the records after the
// first fifth, by when all partitions are open and the code is compiled, and their seconds and CPU seconds of the process.
import { Consumer, MessagesStreamModes } from '@platformatic/kafka';
import { benchSubscription, readingListener } from '../../cli/bench/triggers.ts';
import { openCluster } from '../../core/kafka/connection/clusters.ts';
import { createKafka } from '../../core/kafka/administration/kafka-client.ts';

const [client = '', brokers = '', topic = '', total = '0'] = process.argv.slice(2);
const groupId = `bench-${client}-${process.pid}`;
const servers = brokers.split(',');

let seen = 0;
let from = 0;
let startedMs = 0;
let before = process.cpuUsage();
const done = Promise.withResolvers<void>();

function count(records: number): void {
  seen += records;
  if (from === 0 && seen >= Number(total) / 5) {
    from = seen;
    startedMs = performance.now();
    before = process.cpuUsage();
  }
  if (seen >= Number(total)) done.resolve();
}

/** Each returns how to stop. */
const clients: Record<string, () => Promise<() => Promise<unknown>>> = {
  millrace: () => {
    const cluster = openCluster({ brokers: servers, clientId: 'millrace-bench' });
    const source = cluster.createSource(
      benchSubscription(groupId, topic),
      readingListener((_partition, records) => count(records.length)),
    );
    source.start();
    return Promise.resolve(async () => {
      await source.stop();
      await cluster.close();
    });
  },
  kafkajs: async () => {
    const consumer = createKafka({ brokers: servers, clientId: 'kafkajs-bench' }).consumer({ groupId });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: ({ batch, resolveOffset }) => {
        resolveOffset(batch.lastOffset());
        count(batch.messages.length);
        return Promise.resolve();
      },
    });
    return () => consumer.disconnect();
  },
  platformatic: async () => {
    const consumer = new Consumer({ groupId, clientId: 'platformatic-bench', bootstrapBrokers: servers });
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.EARLIEST,
      autocommit: false,
    });
    stream.on('data', () => count(1));
    return async () => {
      await stream.close();
      await consumer.close();
    };
  },
};

const stop = await clients[client]?.();
await done.promise;
const seconds = (performance.now() - startedMs) / 1000;
const { user, system } = process.cpuUsage(before);
process.send?.({ records: seen - from, seconds, cpuSeconds: (user + system) / 1e6 });
await stop?.();
process.disconnect();
