// npm run bench -- idle [SCALE…]: what triggers cost that sleep. Each scale is a number of triggers of 6 partitions, each with a topic and a
// group of its own. The gateway is measured with both memberships, and after it the scaler, which is polled as KEDA does. Shares are those of one
// core over 30 s; the broker's is less what it takes with nobody connected.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { formatTable, percentile } from '../../cli/bench/report.ts';
import { startLocalKafka, type LocalKafka } from '../../cli/kafka/local-kafka.ts';
import type { RecordSink } from '../../core/contract/record-sink.ts';
import { openCluster } from '../../core/kafka/connection/clusters.ts';
import { createKafka } from '../../core/kafka/administration/kafka-client.ts';
import { until } from '../scaler/fixtures/until.ts';
import { buildDist } from './build-dist.ts';
import { createTopics } from './create-topics.ts';
import { startComponent, type StartedComponent } from './component.ts';
import { startKedaLoad } from './keda-load.ts';
import { costsOf, shareOfCore } from './process-costs.ts';
import { partitions, startAlarm, topicOf, writeManifests, type Alarm } from './sleeping-triggers.ts';

interface Bench {
  readonly kafka: LocalKafka;
  readonly sink: RecordSink;
  readonly alarm: Alarm;
  readonly folder: string;
}

const protocols = ['classic', 'consumer'] as const;
/** Once all are ready, what they did for it ends within this time. */
const settleMs = 20_000;
const restSeconds = 30;
const mostWakeUps = 120;
const shared = { MILLRACE_METRICS_ACCESS: 'anybody', LOG_LEVEL: 'error' } as const;

export async function benchIdle(args: readonly string[]): Promise<void> {
  const scales = args.length === 0 ? [1, 200, 2_000] : args.map(Number);
  if (!scales.every((scale) => Number.isInteger(scale) && scale >= 1))
    throw new Error('npm run bench -- idle [SCALE…]: each SCALE is a number of triggers');
  buildDist();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  // Thousands of partitions have two maps of an index each, whose size is that of the address space they take.
  const properties = {
    'log.index.size.max.bytes': '65536',
    // As brokers have it by default: local ones want to hear of members five times as often.
    'group.consumer.session.timeout.ms': '45000',
    'group.consumer.heartbeat.interval.ms': '5000',
  };
  const kafka = await startLocalKafka({ benchmark: true, heapMb: 1_024, properties });
  const connection = { brokers: kafka.bootstrapServers.split(','), clientId: 'millrace-bench' };
  const admin = createKafka(connection).admin();
  const cluster = openCluster(connection);
  const alarm = await startAlarm();
  try {
    const bench = { kafka, sink: cluster.sink, alarm, folder };
    for (const scale of scales) {
      console.log(`${scale} triggers of ${partitions} partitions …`);
      const topics = Array.from({ length: scale }, (_, index) => topicOf(index));
      await createTopics(admin, topics, partitions);
      console.log(formatTable(['at rest', ...head], await measureAt(bench, scale)));
    }
  } finally {
    alarm.close();
    await cluster.close();
    await admin.disconnect();
    await kafka.stop();
    await rm(folder, { recursive: true });
  }
}

const head = [
  'triggers',
  'ready s',
  'of a core %',
  "broker's %",
  'RSS MiB',
  'sockets',
  'wake-up p50 ms',
  'p99 ms',
];

async function measureAt(bench: Bench, scale: number): Promise<string[][]> {
  const broker = costsOf(bench.kafka.brokers[0]?.pid ?? 0);
  await delay(settleMs);
  const alone = await shareOfCore(() => broker.cpuMs(), restSeconds);
  const rows: string[][] = [];
  const add = (row: string[]): void => {
    console.log(row.join('  '));
    rows.push(row);
  };
  add(['broker, nobody connected', String(scale), '', '', percent(alone)]);
  for (const protocol of protocols) add(await measureGateway(bench, scale, protocol, alone));
  add(await measureScaler(bench, scale, alone));
  return rows;
}

/** Shares of a core, memory and sockets of a component at rest. */
async function atRest({ kafka }: Bench, component: StartedComponent, alone: number): Promise<string[]> {
  const [first] = kafka.brokers;
  const broker = costsOf(first?.pid ?? 0);
  const [own, brokers] = await Promise.all([
    shareOfCore(() => component.cpuMs(), restSeconds),
    shareOfCore(() => broker.cpuMs(), restSeconds),
  ]);
  const residentMiB = await component.residentMiB();
  const sockets = await component.socketsTo(first?.port ?? 0);
  return [percent(own), percent(brokers - alone), residentMiB.toFixed(0), String(sockets)];
}

async function measureGateway(
  bench: Bench,
  scale: number,
  protocol: (typeof protocols)[number],
  alone: number,
): Promise<string[]> {
  const startMs = performance.now();
  const gateway = await startComponent('gateway', /ADMIN_URL=(\S+)/, {
    ...shared,
    KAFKA_BROKERS: bench.kafka.bootstrapServers,
    KAFKA_GROUP_PROTOCOL: protocol,
    MILLRACE_ADMIN_PORT: '0',
    MILLRACE_TRIGGERS: await writeManifests(bench.folder, scale, `${protocol}-${scale}`),
    SCALER_URLS: bench.alarm.url,
  });
  try {
    const [, url = ''] = gateway.ready;
    // It looks at all triggers for an answer: asked too often, it is what is measured.
    await until(async () => (await fetch(`${url}/readyz`)).ok || delay(500, false), 300_000);
    const readySeconds = (performance.now() - startMs) / 1000;
    await delay(settleMs);
    const rest = await atRest(bench, gateway, alone);
    const wakes = await wakeUps(bench, scale);
    const latencies = [0.5, 0.99].map((share) => percentile(wakes, share).toFixed(1));
    return [`gateway, ${protocol}`, String(scale), readySeconds.toFixed(1), ...rest, ...latencies];
  } finally {
    await gateway.stop();
  }
}

/** Milliseconds from before the append of a first record to the activation call, one trigger after the other. */
async function wakeUps({ sink, alarm }: Bench, scale: number): Promise<number[]> {
  const took: number[] = [];
  alarm.forget();
  for (let index = 0; index < Math.min(scale, mostWakeUps); index += 1) {
    const chosen = Math.floor((index * scale) / Math.min(scale, mostWakeUps));
    const startMs = performance.now();
    await sink.write({ topic: topicOf(chosen), key: null, value: Buffer.from('{}'), headers: [] });
    took.push((await alarm.calledFor(chosen)) - startMs);
    // What the last one left to do is done. Not in step with anything that has a clock.
    await delay(250 + Math.random() * 300);
  }
  return took;
}

async function measureScaler(bench: Bench, scale: number, alone: number): Promise<string[]> {
  const startMs = performance.now();
  const scaler = await startComponent('scaler', /SCALER_GRPC_PORT=(\d+)/, {
    ...shared,
    KAFKA_BROKERS: bench.kafka.bootstrapServers,
    SCALER_GRPC_PORT: '0',
    SCALER_HTTP_PORT: '0',
    MILLRACE_TRIGGERS: await writeManifests(bench.folder, scale, `consumer-${scale}`),
  });
  const readySeconds = (performance.now() - startMs) / 1000;
  const load = startKedaLoad(Number(scaler.ready[1]), scale);
  try {
    await delay(settleMs);
    load.takeLatencies();
    const rest = await atRest(bench, scaler, alone);
    const latencies = load.takeLatencies();
    const shown = [0.5, 0.99].map((share) => percentile(latencies, share).toFixed(1));
    return ['scaler, polled every 10 s (poll)', String(scale), readySeconds.toFixed(1), ...rest, ...shown];
  } finally {
    await load.stop();
    await scaler.stop();
  }
}

function percent(share: number): string {
  return (share * 100).toFixed(1);
}
