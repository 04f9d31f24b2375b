// Raw consumption: the gateway's record source without the rest of the gateway. Runs in its own process. Arguments: brokers,
// topic, records. Reports seconds and CPU over IPC.
import { createKafka } from '../../core/kafka/connection/kafka-client.ts';
import { createRecordSources } from '../../core/kafka/group/group-record-source.ts';
import { benchSubscription } from './triggers.ts';

const [brokers = '', topic = '', total = '0'] = process.argv.slice(2);

const kafka = createKafka({ brokers: brokers.split(','), clientId: 'millrace-bench' });

let seen = 0;
let startedMs = 0;
let before = process.cpuUsage();
const done = Promise.withResolvers<void>();
const source = createRecordSources({ kafka })(benchSubscription('consume', topic), {
  open: () => undefined,
  close: () => undefined,
  state: () => undefined,
  noticed: () => undefined,
  resume: () => undefined,
  release: () => Promise.resolve(),
  records: (_partition, records) => {
    if (seen === 0) {
      startedMs = performance.now();
      before = process.cpuUsage();
    }
    seen += records.length;
    if (seen >= Number(total)) done.resolve();
  },
});
source.start();
await done.promise;
const seconds = (performance.now() - startedMs) / 1000;
const { user, system } = process.cpuUsage(before);
process.send?.({ seconds, cpuSeconds: (user + system) / 1e6 });
await source.stop();
process.disconnect();
