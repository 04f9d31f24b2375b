// Members of one group come and go at random, faster than partitions settle down. What must always hold is kept in one
// register for all of them: no partition is open at two members, and each record is handed over once, in order.
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { describeError } from '../../../../core/contract/errors.ts';
import type { PartitionProgress, RecordSource } from '../../../../core/contract/record-source.ts';
import { partitionName, type KafkaRecord, type TopicPartition } from '../../../../core/contract/record.ts';
import { createTopic, kafkaClient, uniqueName, useKafka } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { join, Listener, type Member } from '../fixtures/member.ts';

t.setTimeout(240_000);

const seed = Number(process.env.MILLRACE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const partitions = 6;

/** mulberry32. */
function createRandom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Register {
  readonly owners = new Map<string, string>();
  /** The next offset that nobody has been handed. */
  readonly next = new Map<string, bigint>();
  readonly violations: string[] = [];

  open(name: string, member: string, offset: bigint): void {
    const owner = this.owners.get(name);
    if (owner !== undefined) this.violations.push(`${name} opened by ${member}, and ${owner} has it`);
    this.owners.set(name, member);
    const expected = this.next.get(name) ?? 0n;
    if (offset !== expected)
      this.violations.push(`${name} opened by ${member} at ${offset}, not ${expected}`);
  }

  records(name: string, member: string, records: readonly KafkaRecord[]): void {
    for (const { offset } of records) {
      const expected = this.next.get(name) ?? 0n;
      if (offset !== expected) this.violations.push(`${name}@${offset} to ${member}, not ${expected}`);
      this.next.set(name, offset + 1n);
    }
  }

  close(name: string, member: string): void {
    if (this.owners.get(name) === member) this.owners.delete(name);
    else this.violations.push(`${name} closed by ${member}, which does not have it`);
  }

  get handed(): bigint {
    return [...this.next.values()].reduce((sum, offset) => sum + offset, 0n);
  }
}

/** Settles all at once, and commits it where a partition is released, as a pipeline with a quick function does. */
class Churner extends Listener {
  source: RecordSource | undefined;
  readonly #register: Register;
  readonly #name: string;
  readonly #random: () => number;

  constructor(register: Register, name: string, random: () => number) {
    super();
    this.#register = register;
    this.#name = name;
    this.#random = random;
  }

  override open(partition: TopicPartition, start: Pick<PartitionProgress, 'offset' | 'metadata'>): void {
    super.open(partition, start);
    this.#register.open(partitionName(partition), this.#name, start.offset);
  }

  override records(partition: TopicPartition, records: KafkaRecord[], nextOffset: bigint): void {
    super.records(partition, records, nextOffset);
    this.#register.records(partitionName(partition), this.#name, records);
  }

  override close(partition: TopicPartition): void {
    super.close(partition);
    this.#register.close(partitionName(partition), this.#name);
  }

  override async release(released: readonly TopicPartition[]): Promise<void> {
    await super.release(released);
    // A drain takes its time.
    await delay(this.#random() * 400);
    await until(async () => {
      const progress = released.flatMap(({ topic, partition }) => {
        const offset = this.next.get(`${topic}/${partition}`);
        return offset === undefined ? [] : [{ topic, partition, offset, metadata: '' }];
      });
      if (progress.length > 0) await this.source?.commit(progress);
      return true;
    }, 8_000).catch((error: unknown) =>
      this.#register.violations.push(
        `${this.#name} could not commit: ${describeError((error as Error).cause)}`,
      ),
    );
  }
}

t.test(`three members come and go, seed ${seed}`, async (t) => {
  const random = createRandom(seed);
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions });
  const settings = {
    topics: [topic],
    consumerGroup: uniqueName('churn'),
    initialOffset: 'earliest' as const,
  };
  const register = new Register();
  const members: (Member | undefined)[] = [undefined, undefined, undefined];
  let made = 0;
  const enter = async (slot: number): Promise<void> => {
    const listener = new Churner(register, `m${(made += 1)}`, random);
    const member = await join(t, settings, listener);
    listener.source = member.source;
    members[slot] = member;
  };
  const leave = async (slot: number): Promise<void> => {
    const member = members[slot];
    members[slot] = undefined;
    await member?.source.stop();
  };
  await enter(0);
  const producer = kafkaClient(servers).producer();
  await producer.connect();
  t.teardown(() => producer.disconnect());
  let produced = 0;
  const loading = new AbortController();
  const load = (async () => {
    while (!loading.signal.aborted) {
      const messages = Array.from({ length: 20 }, (_, index) => ({
        value: 'x',
        partition: index % partitions,
      }));
      await producer.send({ topic, messages, acks: -1 });
      produced += messages.length;
      await delay(10);
    }
  })();
  const leaving: Promise<void>[] = [];
  for (let step = 0; step < 24; step += 1) {
    const slot = Math.floor(random() * members.length);
    const others = members.filter((one, index) => one !== undefined && index !== slot).length;
    if (members[slot] === undefined) await enter(slot);
    else if (others > 0) leaving.push(leave(slot));
    await delay(random() * 1_200);
  }
  await Promise.all(leaving);
  loading.abort();
  await load;
  await until(() => register.handed >= BigInt(produced) || register.violations.length > 0, 60_000);
  t.strictSame(register.violations, []);
  t.equal(register.handed, BigInt(produced));
  t.comment(`${produced} records, ${made} members`);
  await Promise.all(members.map((_member, slot) => leave(slot)));
  t.equal(register.owners.size, 0);
  t.strictSame(register.violations, []);
});
