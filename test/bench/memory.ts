// npm run bench -- memory: the most that a gateway takes with what is hard on memory, and a function that never answers: ordinary records, records
// of very many headers, batches that unpack to a thousand times their bytes, very many partitions. All of it beyond `maxBytes` is the constant that
// docs/guides/operations.md states.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Kafka, type Message } from 'kafkajs';
import { startSink } from '../../cli/bench/processes.ts';
import { formatTable } from '../../cli/bench/report.ts';
import { manifestOf } from '../../cli/bench/triggers.ts';
import { startLocalKafka, type LocalKafka } from '../../cli/kafka/local-kafka.ts';
import { createKafka } from '../../core/kafka/administration/kafka-client.ts';
import { buildDist } from './build-dist.ts';
import { createTopics } from './create-topics.ts';
import { startComponent } from './component.ts';

interface Case {
  readonly name: string;
  readonly partitions: number;
  readonly isPacked: boolean;
  /** One batch each. */
  readonly batches: number;
  readonly batch: () => Message[];
}

const blanks = Buffer.alloc(1_048_576, ' ');
const manyHeaders = Object.fromEntries(Array.from({ length: 12_000 }, (_, index) => [`h${index}`, 'x']));
const cases: readonly Case[] = [
  {
    name: '500,000 records of 200 B',
    partitions: 6,
    isPacked: false,
    batches: 125,
    batch: () => Array.from({ length: 4_000 }, () => ({ value: blanks.subarray(0, 200) })),
  },
  {
    name: '600 records of 12,000 headers',
    partitions: 6,
    isPacked: false,
    batches: 200,
    batch: () => Array.from({ length: 3 }, () => ({ value: 'x', headers: manyHeaders })),
  },
  {
    name: '24 batches of 100 MiB of blanks, zstd, 24 partitions',
    partitions: 24,
    isPacked: true,
    batches: 24,
    batch: () => Array.from({ length: 100 }, () => ({ value: blanks })),
  },
  {
    name: '8 batches of 250 MiB of blanks, zstd, 8 partitions',
    partitions: 8,
    isPacked: true,
    batches: 8,
    batch: () => Array.from({ length: 250 }, () => ({ value: blanks })),
  },
  {
    name: '400,000 records in 4,000 partitions',
    partitions: 4_000,
    isPacked: false,
    batches: 4_000,
    batch: () => Array.from({ length: 100 }, () => ({ value: blanks.subarray(0, 200) })),
  },
];
const watchedSeconds = 30;
const limitMiB = 32;

export async function benchMemory(): Promise<void> {
  buildDist();
  const properties = { 'log.index.size.max.bytes': '65536' };
  const kafka = await startLocalKafka({ benchmark: true, heapMb: 1_024, properties });
  const client = createKafka({ brokers: kafka.bootstrapServers.split(','), clientId: 'millrace-bench' });
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  try {
    const rows: string[][] = [];
    for (const [index, one] of cases.entries()) {
      console.log(`${one.name} …`);
      const topic = `case-${index}`;
      await fill(client, topic, one);
      rows.push([one.name, ...(await measure(kafka, folder, topic))]);
    }
    const columns = ['peak MiB', `beyond maxBytes (${limitMiB} MiB)`, `after ${watchedSeconds} s, MiB`];
    console.log(formatTable(['a function that never answers', ...columns], rows));
  } finally {
    await kafka.stop();
    await rm(folder, { recursive: true });
  }
}

async function fill(client: Kafka, topic: string, one: Case): Promise<void> {
  const admin = client.admin();
  await createTopics(admin, [topic], one.partitions);
  await admin.disconnect();
  const { CompressionTypes } = kafkajs;
  const compression = one.isPacked ? CompressionTypes.ZSTD : CompressionTypes.None;
  const producer = client.producer({ retry: { retries: 20 } });
  await producer.connect();
  for (let sent = 0; sent < one.batches; sent += 1) {
    const messages = one.batch().map((message) => ({ ...message, partition: sent % one.partitions }));
    await producer.send({ topic, compression, messages });
  }
  await producer.disconnect();
}

async function measure(kafka: LocalKafka, folder: string, topic: string): Promise<string[]> {
  const function_ = await startSink(3_600_000);
  const path = join(folder, `${topic}.yaml`);
  const target = { origin: function_.origin, initialOffset: 'earliest', ordering: 'none' } as const;
  await writeFile(path, manifestOf({ name: topic, topic, ...target, timeout: 'PT10M' }));
  const gateway = await startComponent('gateway', /ADMIN_URL=(\S+)/, {
    KAFKA_BROKERS: kafka.bootstrapServers,
    LOG_LEVEL: 'error',
    MILLRACE_MAX_BYTES: `${limitMiB}Mi`,
    MILLRACE_MAX_BYTES_PER_TRIGGER: `${limitMiB}Mi`,
    MILLRACE_ADMIN_PORT: '0',
    MILLRACE_TRIGGERS: path,
  });
  try {
    await delay(watchedSeconds * 1000);
    const { requests } = await function_.report();
    if (requests === 0) throw new Error(`nothing of ${topic} has arrived in ${watchedSeconds} s`);
    const peakMiB = await gateway.peakMiB();
    return [peakMiB, peakMiB - limitMiB, await gateway.residentMiB()].map((mib) => mib.toFixed(0));
  } finally {
    // Its function answers nothing, so that it would drain as long as it may.
    await function_.stop();
    await gateway.stop();
  }
}
