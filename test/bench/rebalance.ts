// npm run bench -- rebalance [PARTITIONS]: how long partitions stand still while a second member joins their group, and while it leaves. Each
// partition gets a record twice a second; what counts is the oldest age of a record on arrival, for each partition. Each client has its group to itself.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Message, Producer } from 'kafkajs';
import { formatTable, percentile } from '../../cli/bench/report.ts';
import { startLocalKafka } from '../../cli/kafka/local-kafka.ts';
import { createKafka } from '../../core/kafka/administration/kafka-client.ts';
import { until } from '../scaler/fixtures/until.ts';
import { createTopics } from './create-topics.ts';
import type { MemberClient, OldestAges } from './rebalance-member.ts';

interface Member {
  /** By partition, in ms: since the last time this was asked for. */
  oldestAges(): Promise<OldestAges>;
  leave(): Promise<void>;
}

const clients: readonly MemberClient[] = ['millrace, consumer', 'millrace, classic', 'kafkajs'];
const topic = 'shared';
/** A round through all partitions, and its steps, in ms. */
const pace = { roundMs: 500, stepMs: 25 };
/** Of each phase, and within which a client should read all partitions, in ms. */
const phaseMs = 15_000;
const openingMs = 30_000;

export async function benchRebalance(args: readonly string[]): Promise<void> {
  const partitions = Number(args[0] ?? 2_000);
  if (!Number.isInteger(partitions) || partitions < 2)
    throw new Error('npm run bench -- rebalance [PARTITIONS]: a number of partitions, at least 2');
  const properties = { 'log.index.size.max.bytes': '65536' };
  const kafka = await startLocalKafka({ benchmark: true, heapMb: 1_024, properties });
  const connection = { brokers: kafka.bootstrapServers.split(','), clientId: 'millrace-bench' };
  const client = createKafka(connection);
  const [admin, producer] = [client.admin(), client.producer()];
  const over = new AbortController();
  let writing = Promise.resolve();
  try {
    await createTopics(admin, [topic], partitions);
    await producer.connect();
    writing = writeSteadily(producer, partitions, over.signal);
    const rows: string[][] = [];
    for (const one of clients) {
      console.log(`${one} …`);
      for (const [phase, ages] of await measure(one, kafka.bootstrapServers, partitions)) {
        const shown = [0.5, 0.99, 1].map((share) => percentile(ages, share).toFixed(0));
        rows.push([one, phase, ...shown]);
      }
    }
    const head = [`${partitions} partitions`, 'while', 'oldest record, p50 ms', 'p99 ms', 'max ms'];
    console.log(formatTable(head, rows));
  } finally {
    over.abort();
    await writing;
    await producer.disconnect();
    await admin.disconnect();
    await kafka.stop();
  }
}

/** The oldest age of each partition in each phase, in ms. */
async function measure(
  client: MemberClient,
  brokers: string,
  partitions: number,
): Promise<[phase: string, ages: number[]][]> {
  const first = startMember(client, brokers);
  const phases: [string, number[]][] = [];
  const members = [first];
  const phase = async (name: string, change: () => void | Promise<void> = () => undefined): Promise<void> => {
    await Promise.all(members.map((member) => member.oldestAges()));
    await change();
    await delay(phaseMs);
    phases.push([name, oldestOf(await Promise.all(members.map((member) => member.oldestAges())))]);
  };
  const hasAll = async (): Promise<boolean> => {
    await delay(2 * pace.roundMs);
    return Object.keys(await first.oldestAges()).length === partitions;
  };
  // A client that is overtaxed by so many is measured as it is.
  await until(hasAll, openingMs).catch(() => console.log(`${client} has not read all of them in time`));
  // What came while the partitions were opened.
  await delay(phaseMs / 2);
  await phase('nothing changes');
  await phase('a member joins', () => void members.push(startMember(client, brokers)));
  await phase('it leaves', () => members[1]?.leave());
  await first.leave();
  return phases;
}

function startMember(client: MemberClient, brokers: string): Member {
  const path = fileURLToPath(new URL('rebalance-member.ts', import.meta.url));
  const child: ChildProcess = fork(path, [client, brokers, topic]);
  let answer: OldestAges = {};
  return {
    async oldestAges() {
      // Whoever has left has said all.
      if (!child.connected) return {};
      child.send('ages');
      [answer] = (await once(child, 'message')) as [OldestAges];
      return answer;
    },
    async leave() {
      const ended = once(child, 'exit');
      child.send('leave');
      await ended;
    },
  };
}

function oldestOf(all: readonly OldestAges[]): number[] {
  const oldest = new Map<string, number>();
  for (const ages of all)
    for (const [partition, ageMs] of Object.entries(ages))
      oldest.set(partition, Math.max(ageMs, oldest.get(partition) ?? 0));
  return [...oldest.values()];
}

async function writeSteadily(producer: Producer, partitions: number, signal: AbortSignal): Promise<void> {
  const steps = pace.roundMs / pace.stepMs;
  const startMs = performance.now();
  for (let step = 0; !signal.aborted; step += 1) {
    await delay(Math.max(0, startMs + step * pace.stepMs - performance.now()));
    const messages: Message[] = [];
    for (let partition = step % steps; partition < partitions; partition += steps)
      messages.push({ partition, value: String(Date.now()) });
    await producer.send({ topic, acks: 1, messages });
  }
}
