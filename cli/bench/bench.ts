// `millrace bench`: measures what the gateway costs compared with a bare HTTP loop, how late events arrive, and whether memory
// stays flat. Everything is measured in one run on one machine and shown as ratios, because absolute figures depend on the machine.
import { createKafka } from '../../core/kafka/administration/kafka-client.ts';
import { openCluster } from '../../core/kafka/connection/clusters.ts';
import { createMissingTopics } from '../../core/kafka/administration/topic-admin.ts';
import { startLocalKafka } from '../kafka/local-kafka.ts';
import { plainRecord } from './sample.ts';
import { fill, sendAtRate, type Bench, type BenchOptions } from './load.ts';
import { measure, startGatewayProcess, startSink, until, type Measured, type Sink } from './processes.ts';
import { formatTable, percentile } from './report.ts';
import { replies } from './replies.ts';
import type { BenchTrigger } from './triggers.ts';

const partitions = 6;
const topic = 'bench';

/** One row of the table of throughput: a trigger with the defaults, except for this. */
interface Row extends Pick<BenchTrigger, 'ordering' | 'concurrency' | 'batch'> {
  /** How many requests that makes at a time, at most. */
  readonly inFlight: number;
  /** `plain`: records without headers. Absent: CloudEvents. */
  readonly records?: 'plain';
}

export async function runBench(options: BenchOptions): Promise<void> {
  options.print('Starting Kafka, and writing the topic…');
  const local = await startLocalKafka({ benchmark: true });
  const connection = { brokers: local.bootstrapServers.split(','), clientId: 'millrace-bench' };
  const admin = createKafka(connection).admin();
  const cluster = openCluster(connection);
  const { sink } = cluster;
  try {
    await createMissingTopics(admin, [topic, 'plain', 'stuck', 'asked', 'replies', 'replies-tx'], partitions);
    await createMissingTopics(admin, ['latency'], partitions, { 'message.timestamp.type': 'LogAppendTime' });
    const bench: Bench = { ...options, brokers: local.bootstrapServers, sink };
    await fill(bench, topic, options.events);
    await fill(bench, 'plain', options.events, plainRecord);
    await throughput(bench);
    await slowFunction(bench);
    await latency(bench);
    await replies(bench, cluster.createSource, { topic, partitions });
    await stuckFunction(bench);
  } finally {
    await cluster.close();
    await admin.disconnect();
    await local.stop();
  }
}

/** CPU and throughput of the gateway and of the bare loop, with as many requests in flight. */
async function throughput(bench: Bench): Promise<void> {
  const function_ = await startSink(0);
  const raw = await measure('consume', [bench.brokers, topic, bench.events]);
  const bare = new Map<number, Measured>();
  for (const inFlight of [6, 8, 64])
    bare.set(inFlight, await measure('bare', [function_.origin, bench.events, inFlight]));
  const rows = [['raw consumption', '', ...figures(raw, bench.events), '']];
  for (const [inFlight, measured] of bare)
    rows.push(['bare Pool.dispatch', String(inFlight), ...figures(measured, bench.events), '1.00']);
  const cases: readonly Row[] = [
    { ordering: 'partition', inFlight: partitions },
    { ordering: 'key', inFlight: 8 },
    { ordering: 'none', inFlight: 8 },
    { ordering: 'key', inFlight: 64, concurrency: 64 },
    { ordering: 'none', inFlight: 64, concurrency: 64 },
    { ordering: 'none', inFlight: 64, concurrency: 64, records: 'plain' },
    { ordering: 'none', inFlight: 8, batch: { maxEvents: 100 } },
    { ordering: 'none', inFlight: 8, batch: { maxEvents: 100 }, records: 'plain' },
  ];
  for (const { ordering, inFlight, concurrency, batch, records } of cases) {
    const name = [ordering, inFlight, batch === undefined ? 'single' : 'batched', records ?? topic].join('-');
    const trigger = { name, topic: records ?? topic, ordering, concurrency, batch };
    const measured = await deliver(bench, function_, trigger);
    const peer = bare.get(inFlight);
    const ratio =
      peer === undefined ? '' : (measured.cpuSeconds / (peer.cpuSeconds / bench.events)).toFixed(2);
    const what = [
      `gateway, ordering ${ordering}`,
      ...(concurrency === undefined ? ['defaults'] : []),
      ...(batch === undefined ? [] : [`batches of ${batch.maxEvents}`]),
      ...(records === undefined ? [] : ['no headers']),
    ];
    rows.push([
      what.join(', '),
      String(inFlight),
      (1 / measured.seconds).toFixed(0),
      (measured.cpuSeconds * 1e6).toFixed(1),
      ratio,
    ]);
  }
  await function_.stop();
  bench.print(
    formatTable(
      ['200 B events, an instant function', 'in flight', 'events/s', 'CPU µs/event', '× bare'],
      rows,
    ),
  );
}

function figures({ seconds, cpuSeconds }: Measured, events: number): [string, string] {
  return [(events / seconds).toFixed(0), ((cpuSeconds / events) * 1e6).toFixed(1)];
}

/** Seconds and CPU seconds per event, measured over the last nine tenths of the topic. */
async function deliver(
  bench: Bench,
  function_: Sink,
  settings: Omit<BenchTrigger, 'origin' | 'initialOffset'>,
): Promise<Measured> {
  function_.reset();
  const trigger = { ...settings, origin: function_.origin, initialOffset: 'earliest' } as const;
  const gateway = await startGatewayProcess(bench.brokers, trigger);
  try {
    const reached = (count: number) => async () => (await function_.report()).events >= count;
    await until(reached(bench.events / 10), 120_000, 'the first events');
    const startedMs = performance.now();
    const before = await gateway.usage();
    const from = (await function_.report()).events;
    await until(reached(bench.events), 600_000, 'all events');
    const seconds = (performance.now() - startedMs) / 1000;
    const after = await gateway.usage();
    const events = (await function_.report()).events - from;
    return { seconds: seconds / events, cpuSeconds: (after.cpuSeconds - before.cpuSeconds) / events };
  } finally {
    await gateway.stop();
  }
}

async function slowFunction(bench: Bench): Promise<void> {
  const function_ = await startSink(5);
  const trigger = { name: 'slow', topic, ordering: 'none', concurrency: 64 } as const;
  const { seconds } = await deliver(bench, function_, trigger);
  await function_.stop();
  const most = 64 / 0.005;
  bench.print(
    formatTable(
      ['a function of 5 ms, 64 in flight', 'events/s', 'of what is possible'],
      [['gateway, ordering none', (1 / seconds).toFixed(0), `${(100 / seconds / most).toFixed(0)} %`]],
    ),
  );
}

/** Latency at 200 events/s, from the producer's send and from the append to the arrival at the function. */
async function latency(bench: Bench): Promise<void> {
  const function_ = await startSink(0);
  const name = 'latency';
  const gateway = await startGatewayProcess(bench.brokers, {
    name,
    topic: name,
    origin: function_.origin,
    initialOffset: 'latest',
    ordering: 'partition',
  });
  try {
    await until(() => gateway.isReady(), 60_000, 'the gateway');
    for (const phase of ['warm-up', 'measured']) {
      if (phase === 'measured') function_.reset();
      await sendAtRate(bench, name, 200, 10);
    }
    await until(async () => (await function_.report()).requests >= 2_000, 30_000, 'the last event');
    const { ages } = await function_.report();
    const row = (label: string, values: readonly number[]): string[] => [
      label,
      ...[0.5, 0.99, 1].map((share) => percentile(values, share).toFixed(2)),
    ];
    bench.print(
      formatTable(
        ['200 events/s, gateway with the defaults', 'p50 ms', 'p99 ms', 'max ms'],
        [
          row('append (broker, whole ms) → arrival', ages.sinceAppend),
          row('send (producer) → arrival', ages.sinceSend),
        ],
      ),
    );
  } finally {
    await gateway.stop();
    await function_.stop();
  }
}

/** Memory with a long topic and a function that never answers: it must stay flat. */
async function stuckFunction(bench: Bench): Promise<void> {
  bench.print(`Writing ${bench.stuckRecords} records for a function that never answers…`);
  await fill(bench, 'stuck', bench.stuckRecords);
  const function_ = await startSink(3_600_000);
  const gateway = await startGatewayProcess(bench.brokers, {
    name: 'stuck',
    topic: 'stuck',
    origin: function_.origin,
    initialOffset: 'earliest',
    ordering: 'none',
    timeout: 'PT10M',
  });
  const rows: string[][] = [];
  try {
    await until(async () => (await function_.report()).requests > 0, 60_000, 'the first request');
    const parts = 6;
    for (let part = 0; part <= parts; part += 1) {
      const { residentBytes } = await gateway.usage();
      rows.push([
        `after ${((bench.stuckSeconds / parts) * part).toFixed(0)} s`,
        (residentBytes / 2 ** 20).toFixed(0),
      ]);
      if (part < parts)
        await new Promise((resolve) => setTimeout(resolve, (bench.stuckSeconds / parts) * 1000));
      bench.signal.throwIfAborted();
    }
  } finally {
    await function_.stop();
    await gateway.stop();
  }
  bench.print(formatTable([`a function that never answers, ${bench.stuckRecords} records`, 'RSS MiB'], rows));
}
