// npm run bench -- consume [RECORDS]: what it costs to get records out of Kafka, beside kafkajs and bare @platformatic/kafka, in one run: decoding
// alone; consumption up to the hand-over to the pipeline, of as many records in 6, 60 and 300 partitions. The clients take turns, and the least of
// several rounds counts, because others use the machine too.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { fill } from '../../cli/bench/load.ts';
import { nodeOptions } from '../../cli/bench/processes.ts';
import { formatTable } from '../../cli/bench/report.ts';
import { startLocalKafka } from '../../cli/kafka/local-kafka.ts';
import { openCluster } from '../../core/kafka/connection/clusters.ts';
import { createKafka } from '../../core/kafka/administration/kafka-client.ts';
import { createTopics } from './create-topics.ts';
import { benchDecoding } from './decode.ts';

interface Spent {
  readonly records: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

const clients = ['millrace', 'platformatic', 'kafkajs'] as const;
const partitionCounts = [6, 60, 300] as const;
const rounds = 3;

export async function benchConsumption(args: readonly string[]): Promise<void> {
  const records = Number(args[0] ?? 200_000);
  if (!Number.isInteger(records) || records < 1_000)
    throw new Error('npm run bench -- consume [RECORDS]: a number of records, at least 1,000');
  console.log(await benchDecoding());
  const kafka = await startLocalKafka({ benchmark: true });
  const connection = { brokers: kafka.bootstrapServers.split(','), clientId: 'millrace-bench' };
  const admin = createKafka(connection).admin();
  const cluster = openCluster(connection);
  try {
    const rows: string[][] = [];
    let atFewest: number | undefined;
    for (const partitions of partitionCounts) {
      console.log(`${partitions} partitions …`);
      const topic = `of-${partitions}`;
      await createTopics(admin, [topic], partitions);
      await fill({ sink: cluster.sink, signal: new AbortController().signal }, topic, records);
      const best = await bestOf(kafka.bootstrapServers, topic, records);
      const own = best.get('millrace') ?? NaN;
      atFewest ??= own;
      for (const client of clients) {
        const cost = best.get(client) ?? NaN;
        rows.push([
          client,
          String(partitions),
          (cost * 1e6).toFixed(1),
          (cost / own).toFixed(2),
          client === 'millrace' ? (own / atFewest).toFixed(2) : '',
        ]);
      }
    }
    const head = [`${records} records of 200 B`, 'partitions', 'CPU µs/record', '× millrace', '× fewest'];
    console.log(formatTable(head, rows));
  } finally {
    await cluster.close();
    await admin.disconnect();
    await kafka.stop();
  }
}

/** CPU seconds per record, by client. */
async function bestOf(brokers: string, topic: string, records: number): Promise<Map<string, number>> {
  const best = new Map<string, number>();
  for (let round = 0; round < rounds; round += 1)
    for (const client of clients) {
      const spent = await consume([client, brokers, topic, String(records)]);
      best.set(client, Math.min(best.get(client) ?? Infinity, spent.cpuSeconds / spent.records));
    }
  return best;
}

async function consume(args: readonly string[]): Promise<Spent> {
  const script = fileURLToPath(new URL('consumer-process.ts', import.meta.url));
  const child = fork(script, args, { execArgv: nodeOptions });
  const exited = once(child, 'exit');
  const failed = exited.then(() => Promise.reject(new Error(`${args[0]} ended before it had all records`)));
  failed.catch(() => undefined);
  const [spent] = (await Promise.race([once(child, 'message'), failed])) as [Spent];
  await exited;
  return spent;
}
