// Raw consumption: the gateway's record source without the rest of the gateway. Runs in its own process. Arguments: brokers,
// topic, records. Reports seconds and CPU over IPC.
import { openCluster } from '../../core/kafka/connection/clusters.ts';
import { benchSubscription, readingListener } from './triggers.ts';

const [brokers = '', topic = '', total = '0'] = process.argv.slice(2);

const cluster = openCluster({ brokers: brokers.split(','), clientId: 'millrace-bench' });

let seen = 0;
let startedMs = 0;
let before = process.cpuUsage();
const done = Promise.withResolvers<void>();
const source = cluster.createSource(
  benchSubscription('consume', topic),
  readingListener((_partition, records) => {
    if (seen === 0) {
      startedMs = performance.now();
      before = process.cpuUsage();
    }
    seen += records.length;
    if (seen >= Number(total)) done.resolve();
  }),
);
source.start();
await done.promise;
const seconds = (performance.now() - startedMs) / 1000;
const { user, system } = process.cpuUsage(before);
process.send?.({ seconds, cpuSeconds: (user + system) / 1e6 });
await source.stop();
await cluster.close();
process.disconnect();
