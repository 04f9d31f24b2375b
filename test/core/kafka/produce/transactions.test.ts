// Against a real broker: what a transactional source promises, and what it relies on in Kafka.
import { connect, Socket } from 'node:net';
import { Kafka, logLevel, type ISocketFactory } from 'kafkajs';
import t, { type Test } from 'tap';
import type { OutgoingRecord } from '../../../../core/contract/record-sink.ts';
import type {
  PartitionProgress,
  RecordListener,
  RecordSource,
} from '../../../../core/contract/record-source.ts';
import { createKafka } from '../../../../core/kafka/connection/kafka-client.ts';
import { createRecordSources } from '../../../../core/kafka/group/group-record-source.ts';
import { openTransactionalProducer } from '../../../../core/kafka/produce/transactional-producer.ts';
import { transactionalIdOf } from '../../../../core/kafka/produce/transactions.ts';
import {
  consumeAll,
  createTopic,
  kafkaClient,
  produce,
  uniqueName,
  useKafka,
  withAdmin,
} from '../../../fixtures/kafka/kafka.ts';
import { subscriptionOf } from '../../../fixtures/subscription.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { openReader } from '../fixtures/offsets.ts';

t.setTimeout(115_000);

interface Stage {
  readonly servers: string;
  readonly topic: string;
  readonly notices: string;
  readonly group: string;
}

async function prepare(t: Test, configs: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  const notices = await createTopic(t, servers, { partitions: 3, name: 'notices', configs });
  const group = uniqueName('tx');
  await produce(
    servers,
    topic,
    Array.from({ length: 9 }, (_, index) => ({ value: `${index}` })),
  );
  return { servers, topic, notices, group };
}

interface Member {
  readonly source: RecordSource;
  /** `open @5 metadata`, `close`. */
  readonly told: string[];
}

async function join(
  t: Test,
  { servers, topic, notices, group }: Stage,
  kafka = createKafka({ brokers: servers.split(','), clientId: 'tx-test' }),
): Promise<Member> {
  const told: string[] = [];
  const listener: RecordListener = {
    open: (_partition, { offset, metadata }) => told.push(`open @${offset} ${metadata}`),
    close: () => told.push('close'),
    records: () => undefined,
    release: () => Promise.resolve(),
    resume: () => undefined,
    noticed: () => undefined,
    state: (state) => {
      if (state.kind === 'failing') told.push(state.reason);
    },
  };
  const subscription = subscriptionOf('tx', { source: { topics: [topic], consumerGroup: group } });
  const reply = { topic: notices, transactional: true };
  const source = createRecordSources({ kafka })({ ...subscription, reply }, listener);
  t.teardown(() => source.stop());
  source.start();
  await until(() => told.length > 0);
  return { source, told };
}

const at = ({ topic }: Stage, offset: bigint, metadata = `mark ${offset}`): PartitionProgress => ({
  topic,
  partition: 0,
  offset,
  metadata,
});
const notice = ({ notices }: Stage, id: number | string, size = 1): OutgoingRecord => ({
  topic: notices,
  key: Buffer.from(`key ${id}`),
  value: Buffer.from(String(id).padEnd(size)),
  headers: [{ name: 'ce_id', value: Buffer.from(String(id)) }],
});

async function committedIn({ servers, topic, group }: Stage): Promise<string> {
  const [found] = await withAdmin(servers, (admin) =>
    admin.fetchOffsets({ groupId: group, topics: [topic] }),
  );
  const { offset, metadata } = found!.partitions[0]!;
  return `${offset} ${metadata ?? ''}`;
}

/** As a reader of committed records sees them. */
async function storedIn({ servers, notices }: Stage): Promise<string[]> {
  const records = await consumeAll(servers, notices);
  return records.map(({ value }) => value!.toString().trim()).toSorted();
}

t.test(
  'records and offset are there together, with the metadata, and each record knows its place',
  async (t) => {
    const stage = await prepare(t);
    const { source } = await join(t, stage);
    const records = Array.from({ length: 1_200 }, (_, index) => notice(stage, index));
    const outcome = await source.commitWith(at(stage, 4n), records);
    if (outcome.kind !== 'committed') throw new Error(outcome.kind, { cause: outcome.error });
    t.equal(await committedIn(stage), '4 mark 4');
    const stored = await consumeAll(stage.servers, stage.notices, { count: 1_200 });
    const placed = new Map(stored.map((one) => [`${one.partition}@${one.offset}`, one.value!.toString()]));
    t.ok(
      outcome.storedAt.every(
        ({ topic, partition, offset }, index) =>
          topic === stage.notices && placed.get(`${partition}@${offset}`) === `${index}`,
      ),
    );
    for (const partition of [0, 1, 2]) {
      const ids = stored.filter((one) => one.partition === partition).map(({ value }) => Number(value));
      t.strictSame(
        ids,
        ids.toSorted((a, b) => a - b),
        'in order',
      );
    }
    for (let offset = 5n; offset < 9n; offset += 1n)
      t.match(await source.commitWith(at(stage, offset), [notice(stage, `n${offset}`)]), {
        kind: 'committed',
      });
    t.equal(await committedIn(stage), '8 mark 8');
  },
);

t.test('what a topic does not take is refused, and nothing of it is there', async (t) => {
  const stage = await prepare(t, { 'max.message.bytes': '10000' });
  const { source } = await join(t, stage);
  const begin = await committedIn(stage);
  t.match(await source.commitWith(at(stage, 1n), [notice(stage, 'a'), notice(stage, 'b', 20_000)]), {
    kind: 'refused',
    topic: stage.notices,
    isOfOneRecord: true,
  });
  t.equal(await committedIn(stage), begin);
  const elsewhere = { ...notice(stage, 'c'), topic: uniqueName('missing') };
  t.match(await source.commitWith(at(stage, 2n), [notice(stage, 'd'), elsewhere]), {
    kind: 'refused',
    topic: elsewhere.topic,
    isOfOneRecord: false,
  });
  t.equal(await committedIn(stage), begin);
  t.match(await source.commitWith(at(stage, 3n), [notice(stage, 'e')]), { kind: 'committed' });
  t.equal(await committedIn(stage), '3 mark 3');
  t.strictSame(await storedIn(stage), ['e']);
});

t.test('metadata that the brokers find too long is aborted, and shorter ones follow', async (t) => {
  const stage = await prepare(t);
  const { source } = await join(t, stage);
  const before = source.markBytes;
  t.match(await source.commitWith(at(stage, 1n, 'x'.repeat(5_000)), [notice(stage, 'a')]), {
    kind: 'aborted',
  });
  t.equal(source.markBytes, before / 2);
});

t.test('what a dead owner left open is ended before the next one reads where the group stands', async (t) => {
  const stage = await prepare(t);
  const one = await join(t, stage);
  t.match(await one.source.commitWith(at(stage, 2n), [notice(stage, 'a')]), { kind: 'committed' });
  await one.source.stop();
  // Dies in the middle: the offset is pending, the records are in the log.
  const dead = kafkaClient(stage.servers).producer({
    transactionalId: transactionalIdOf(stage.group, { topic: stage.topic, partition: 0 }),
    maxInFlightRequests: 1,
    idempotent: true,
  });
  t.teardown(() => dead.disconnect());
  await dead.connect();
  const transaction = await dead.transaction();
  await transaction.sendOffsets({
    consumerGroupId: stage.group,
    topics: [{ topic: stage.topic, partitions: [{ partition: 0, offset: '7' }] }],
  });
  await transaction.send({ topic: stage.notices, messages: [{ value: 'never' }] });
  // Who asks for the backlog is told what is committed, and not to come again.
  const [backlog] = await openReader(t, stage.servers).read([{ group: stage.group, topics: [stage.topic] }]);
  t.match(backlog, { kind: 'read', partitions: [{ committed: { offset: 2n, metadata: 'mark 2' } }] });
  const two = await join(t, stage);
  t.match(two.told, [/^open @2 /]);
  // At once: without the fencing, readers would wait for the timeout of the transaction.
  t.strictSame(await storedIn(stage), ['a']);
  await t.rejects(transaction.commit(), 'the dead one is fenced');
  t.match(await two.source.commitWith(at(stage, 3n), [notice(stage, 'b')]), { kind: 'committed' });
  t.strictSame(await storedIn(stage), ['a', 'b']);
});

t.test('whoever is fenced stores nothing; who still owns the partition goes on', async (t) => {
  const stage = await prepare(t);
  const { source, told } = await join(t, stage);
  t.match(await source.commitWith(at(stage, 1n), [notice(stage, 'a')]), { kind: 'committed' });
  const kafka = createKafka({ brokers: stage.servers.split(','), clientId: 'tx-test' });
  const id = transactionalIdOf(stage.group, { topic: stage.topic, partition: 0 });
  // As when a zombie comes back, or a transaction outlasts its timeout: the epoch is another one.
  const other = await openTransactionalProducer(kafka, id);
  t.match(await source.commitWith(at(stage, 2n), [notice(stage, 'b')]), { kind: 'aborted' });
  t.strictSame(await storedIn(stage), ['a']);
  t.match(await source.commitWith(at(stage, 2n), [notice(stage, 'b')]), { kind: 'committed' });
  t.match(await other.run(stage.group, at(stage, 9n), [notice(stage, 'z')]), { kind: 'aborted' });
  await other.close();
  t.equal(await committedIn(stage), '2 mark 2');
  t.strictSame(await storedIn(stage), ['a', 'b']);
  t.equal(told.length, 1);
});

t.test('where somebody else has committed, the partition is opened anew from there', async (t) => {
  const stage = await prepare(t);
  const { source, told } = await join(t, stage);
  const kafka = createKafka({ brokers: stage.servers.split(','), clientId: 'tx-test' });
  const id = transactionalIdOf(stage.group, { topic: stage.topic, partition: 0 });
  const other = await openTransactionalProducer(kafka, id);
  t.match(await other.run(stage.group, at(stage, 5n, ''), [notice(stage, 'theirs')]), { kind: 'committed' });
  await other.close();
  t.match(await source.commitWith(at(stage, 4n), [notice(stage, 'ours')]), { kind: 'aborted' });
  t.match(await source.commitWith(at(stage, 4n), [notice(stage, 'ours')]), { kind: 'aborted' });
  await until(() => told.length === 3);
  t.match(told, [/^open @0 /, 'close', /^open @5 /]);
  t.match(await source.commitWith(at(stage, 6n), [notice(stage, 'ours')]), { kind: 'committed' });
  t.strictSame(await storedIn(stage), ['ours', 'theirs']);
});

/** A client whose connection breaks as it asks for the end of a transaction, before (`lost`) or after the broker has it. */
function breakingClient(servers: string): { kafka: Kafka; breakNext(when: 'lost' | 'taken'): void } {
  let next: 'lost' | 'taken' | undefined;
  const socketFactory: ISocketFactory = ({ host, port, onConnect }) => {
    const socket = connect(port, host, onConnect).setNoDelay(true);
    const write = (bytes: Buffer): boolean => Socket.prototype.write.call(socket, bytes);
    socket.write = (bytes: Buffer): boolean => {
      const when = bytes.readInt16BE(4) === endTxn ? next : undefined;
      if (when === undefined) return write(bytes);
      next = undefined;
      socket.pause();
      if (when === 'taken') write(bytes);
      setTimeout(() => socket.destroy(new Error('reset')), when === 'taken' ? 300 : 0);
      return true;
    };
    return socket;
  };
  const kafka = new Kafka({
    brokers: servers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50 },
    socketFactory,
  });
  return { kafka, breakNext: (when) => (next = when) };
}

/** The number of the request, in the protocol. */
const endTxn = 26;

t.test('an answer that is lost is looked up: what was committed is not stored again', async (t) => {
  const stage = await prepare(t);
  const { kafka, breakNext } = breakingClient(stage.servers);
  const { source, told } = await join(t, stage, kafka);
  t.match(await source.commitWith(at(stage, 1n), [notice(stage, 'a')]), { kind: 'committed' });
  breakNext('taken');
  t.match(await source.commitWith(at(stage, 2n), [notice(stage, 'b')]), {
    kind: 'committed',
    storedAt: [{ topic: stage.notices }],
  });
  t.equal(await committedIn(stage), '2 mark 2');
  breakNext('lost');
  t.match(await source.commitWith(at(stage, 3n), [notice(stage, 'c')]), { kind: 'aborted' });
  t.equal(await committedIn(stage), '2 mark 2');
  t.match(await source.commitWith(at(stage, 3n), [notice(stage, 'c')]), { kind: 'committed' });
  t.strictSame(await storedIn(stage), ['a', 'b', 'c']);
  t.equal(told.length, 1, 'and the partition stays open');
});

t.test('the id of a partition is no other partition of any group', (t) => {
  t.equal(transactionalIdOf('a.b', { topic: 'c', partition: 0 }), 'millrace:a.b:c:0');
  t.not(
    transactionalIdOf('a', { topic: 'b.c', partition: 0 }),
    transactionalIdOf('a.b', { topic: 'c', partition: 0 }),
  );
  t.end();
});
