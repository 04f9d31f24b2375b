// Compares plain replies with transactional replies: throughput, CPU, and the age of a reply when a reader of committed records
// gets it.
import type { CreateRecordSource } from '../../core/contract/record-source.ts';
import { sendAtRate, type Bench } from './load.ts';
import { startGatewayProcess, startSink, until, type GatewayProcess, type Sink } from './processes.ts';
import { formatTable, percentile } from './report.ts';
import { benchSubscription, readingListener } from './triggers.ts';

interface Reader {
  /** How many replies it has read. */
  readonly count: number;
  /** Milliseconds from the producer's send of the record to the arrival of its reply. */
  readonly ages: readonly number[];
  stop(): Promise<void>;
}

const rate = { perSecond: 200, seconds: 10 };

export async function replies(
  bench: Bench,
  createSource: CreateRecordSource,
  { topic, partitions }: { topic: string; partitions: number },
): Promise<void> {
  const function_ = await startSink(0, true);
  const rows: string[][] = [];
  for (const transactional of [false, true]) {
    const to = transactional ? 'replies-tx' : 'replies';
    const many = await throughput(bench, createSource, { topic, function_, to, transactional });
    const ages = await latency(bench, createSource, { topic: 'asked', function_, to, transactional });
    rows.push([
      transactional ? 'in transactions' : 'one by one',
      (1 / many.seconds).toFixed(0),
      (many.cpuSeconds * 1e6).toFixed(1),
      ...[0.5, 0.99, 1].map((share) => percentile(ages, share).toFixed(1)),
    ]);
  }
  await function_.stop();
  bench.print(
    formatTable(
      [
        `replies, ${partitions} partitions in order`,
        'events/s',
        'CPU µs/event',
        'p50 ms',
        'p99 ms',
        'max ms',
      ],
      rows,
    ),
  );
}

interface Row {
  readonly topic: string;
  readonly function_: Sink;
  readonly to: string;
  readonly transactional: boolean;
}

/** Seconds and CPU seconds per event with a committed reply, measured over the last nine tenths of the topic. */
async function throughput(
  bench: Bench,
  createSource: CreateRecordSource,
  row: Row,
): Promise<{ seconds: number; cpuSeconds: number }> {
  const reader = await startReader(createSource, row.to);
  const gateway = await startGateway(bench, row, 'earliest');
  try {
    const reached = (count: number) => () => Promise.resolve(reader.count >= count);
    await until(reached(bench.events / 10), 120_000, 'the first replies');
    const startedMs = performance.now();
    const before = await gateway.usage();
    const from = reader.count;
    await until(reached(bench.events), 600_000, 'all replies');
    const seconds = (performance.now() - startedMs) / 1000;
    const after = await gateway.usage();
    const events = reader.count - from;
    return { seconds: seconds / events, cpuSeconds: (after.cpuSeconds - before.cpuSeconds) / events };
  } finally {
    await gateway.stop();
    await reader.stop();
  }
}

async function latency(bench: Bench, createSource: CreateRecordSource, row: Row): Promise<readonly number[]> {
  const reader = await startReader(createSource, row.to);
  const gateway = await startGateway(bench, row, 'latest');
  const wanted = rate.perSecond * rate.seconds;
  try {
    await until(() => gateway.isReady(), 60_000, 'the gateway');
    for (const phase of [1, 2]) {
      await sendAtRate(bench, row.topic, rate.perSecond, rate.seconds);
      await until(() => Promise.resolve(reader.ages.length >= phase * wanted), 60_000, 'the last reply');
    }
    return reader.ages.slice(wanted);
  } finally {
    await gateway.stop();
    await reader.stop();
  }
}

function startGateway(
  { brokers }: Bench,
  { topic, function_, to, transactional }: Row,
  initialOffset: 'earliest' | 'latest',
): Promise<GatewayProcess> {
  const reply = { topic: to, transactional };
  const name = `${to}-${initialOffset}`;
  return startGatewayProcess(brokers, {
    name,
    topic,
    origin: function_.origin,
    initialOffset,
    ordering: 'partition',
    reply,
  });
}

/** Reads the committed records that are written to `topic` from now on. */
async function startReader(createSource: CreateRecordSource, topic: string): Promise<Reader> {
  const ages: number[] = [];
  let count = 0;
  const { promise: opened, resolve } = Promise.withResolvers<void>();
  const listener = readingListener((_partition, records) => {
    const nowMs = performance.timeOrigin + performance.now();
    count += records.length;
    for (const { value } of records)
      if (value?.toString('latin1', 0, 6) === '{"at":')
        ages.push(nowMs - Number.parseFloat(value.toString('latin1', 6, 22)));
  });
  const source = createSource(benchSubscription(`read-${topic}-${Date.now()}`, topic, 'latest'), {
    ...listener,
    state: ({ kind }) => {
      if (kind === 'consuming') resolve();
    },
  });
  source.start();
  await opened;
  return {
    get count() {
      return count;
    },
    ages,
    stop: () => source.stop(),
  };
}
