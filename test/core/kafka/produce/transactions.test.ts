// Against a real broker: what a transactional source promises, and what it relies on in Kafka.
import t, { type Test } from 'tap';
import type { OutgoingRecord } from '../../../../core/contract/record-sink.ts';
import type {
  PartitionProgress,
  RecordListener,
  RecordSource,
} from '../../../../core/contract/record-source.ts';
import { openTransactionalProducer } from '../../../../core/kafka/produce/transactional-producer.ts';
import { transactionalIdOf, Transactions } from '../../../../core/kafka/produce/transactions.ts';
import {
  consumeAll,
  createTopic,
  kafkaClient,
  produce,
  uniqueName,
  useKafka,
  withAdmin,
} from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { faultyConnections, lost, taken, type FaultyConnections } from '../fixtures/faulty-connections.ts';
import { openTransactionalSources } from '../fixtures/transactional-sources.ts';
import { openConnections, openReader } from '../fixtures/offsets.ts';

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
  readonly connections: FaultyConnections;
  /** `open @5 metadata`, `close`. */
  readonly told: string[];
}

async function join(t: Test, { servers, topic, notices, group }: Stage): Promise<Member> {
  const told: string[] = [];
  const listener: RecordListener = {
    open: (_partition, { offset, metadata }) => told.push(`open @${offset} ${metadata}`),
    close: () => told.push('close'),
    records: () => undefined,
    release: () => Promise.resolve(),
    resume: () => undefined,
    noticed: () => undefined,
    unreadable: () => undefined,
    failed: (fault) => {
      throw fault;
    },
    state: (state) => {
      if (state.kind === 'failing') told.push(state.reason);
    },
  };
  const { connections, start } = openTransactionalSources(t, servers);
  const source = start(group, topic, notices, listener);
  await until(() => told.length > 0);
  return { source, connections, told };
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

/** Takes the producer of the partition away from whoever has it. */
function openOther(t: Test, { servers, topic, group: groupId }: Stage) {
  const transactionalId = transactionalIdOf(groupId, { topic, partition: 0 });
  return openTransactionalProducer({ ...openConnections(t, servers), groupId, transactionalId });
}

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
  // As when a zombie comes back, or a transaction outlasts its timeout: the epoch is another one.
  const other = await openOther(t, stage);
  t.match(await source.commitWith(at(stage, 2n), [notice(stage, 'b')]), { kind: 'aborted' });
  t.strictSame(await storedIn(stage), ['a']);
  t.match(await source.commitWith(at(stage, 2n), [notice(stage, 'b')]), { kind: 'committed' });
  t.match(await other.run(at(stage, 9n), [notice(stage, 'z')], undefined), { kind: 'aborted' });
  t.equal(await committedIn(stage), '2 mark 2');
  t.strictSame(await storedIn(stage), ['a', 'b']);
  t.equal(told.length, 1);
});

t.test('where somebody else has committed, the partition is opened anew from there', async (t) => {
  const stage = await prepare(t);
  const { source, told } = await join(t, stage);
  const other = await openOther(t, stage);
  t.match(await other.run(at(stage, 5n, ''), [notice(stage, 'theirs')], undefined), { kind: 'committed' });
  t.match(await source.commitWith(at(stage, 4n), [notice(stage, 'ours')]), { kind: 'aborted' });
  t.match(await source.commitWith(at(stage, 4n), [notice(stage, 'ours')]), { kind: 'aborted' });
  await until(() => told.length === 3);
  t.match(told, [/^open @0 /, 'close', /^open @5 /]);
  t.match(await source.commitWith(at(stage, 6n), [notice(stage, 'ours')]), { kind: 'committed' });
  t.strictSame(await storedIn(stage), ['ours', 'theirs']);
});

t.test('an answer that is lost is looked up: what was committed is not stored again', async (t) => {
  const stage = await prepare(t);
  const { source, connections, told } = await join(t, stage);
  t.match(await source.commitWith(at(stage, 1n), [notice(stage, 'a')]), { kind: 'committed' });
  connections.fail('EndTxn', taken);
  t.match(await source.commitWith(at(stage, 2n), [notice(stage, 'b')]), {
    kind: 'committed',
    storedAt: [{ topic: stage.notices }],
  });
  t.equal(await committedIn(stage), '2 mark 2');
  connections.fail('EndTxn', lost);
  t.match(await source.commitWith(at(stage, 3n), [notice(stage, 'c')]), { kind: 'aborted' });
  t.equal(await committedIn(stage), '2 mark 2');
  t.match(await source.commitWith(at(stage, 3n), [notice(stage, 'c')]), { kind: 'committed' });
  t.strictSame(await storedIn(stage), ['a', 'b', 'c']);
  t.equal(told.length, 1, 'and the partition stays open');
});

t.test('who is no member of the group any more commits nothing, and stores nothing', async (t) => {
  const stage = await prepare(t);
  const { source } = await join(t, stage);
  t.match(await source.commitWith(at(stage, 1n), [notice(stage, 'a')]), { kind: 'committed' });
  // It comes back with its producer still the latest: only the group can tell.
  const zombie = await openOther(t, stage);
  const member = { memberId: 'millrace-gone', generation: 1 };
  t.match(await zombie.run(at(stage, 9n), [notice(stage, 'z')], member), {
    kind: 'aborted',
    error: { type: 'UNKNOWN_MEMBER_ID' },
  });
  t.equal(await committedIn(stage), '1 mark 1');
  t.strictSame(await storedIn(stage), ['a']);
});

t.test(
  'a batch of which nobody knows whether it arrived is not there when the transaction ends',
  async (t) => {
    const stage = await prepare(t);
    const { connections, topology } = openConnections(t, stage.servers);
    const faulty = faultyConnections(connections);
    const transactions = new Transactions({
      connections: faulty,
      topology,
      groupId: stage.group,
      leaseEndMs: () => Infinity,
    });
    t.teardown(async () => transactions.closeAll());
    const { topic } = stage;
    await transactions.open([{ topic, partition: 0 }]);
    let offset = 0n;
    const attempt = (id: string) =>
      transactions.run({
        progress: at(stage, (offset += 1n)),
        records: [notice(stage, id)],
        ours: new Set(['-1 ', ...Array.from({ length: 9 }, (_, index) => `${index} mark ${index}`)]),
        isOver: () => false,
      });
    for (const [index, fault] of [taken, lost].entries()) {
      faulty.fail('Produce', fault);
      t.match(await attempt(`lost ${index}`), { kind: 'aborted' });
      t.match(await attempt(`kept ${index}`), { kind: 'committed' });
    }
    t.strictSame(await storedIn(stage), ['kept 0', 'kept 1']);
    for (const name of ['AddOffsetsToTxn', 'TxnOffsetCommit', 'AddPartitionsToTxn']) {
      faulty.fail(name, taken);
      t.match(await attempt(name), { kind: 'aborted' }, name);
    }
    t.match(await attempt('last'), { kind: 'committed' });
    t.strictSame(await storedIn(stage), ['kept 0', 'kept 1', 'last']);
  },
);

t.test('many partitions are opened at once, and a member commits in all of them side by side', async (t) => {
  const stage = await prepare(t);
  const topic = await createTopic(t, stage.servers, { partitions: 120 });
  const transactions = new Transactions({
    ...openConnections(t, stage.servers),
    groupId: stage.group,
    leaseEndMs: () => Infinity,
  });
  t.teardown(async () => transactions.closeAll());
  const partitions = Array.from({ length: 120 }, (_, partition) => ({ topic, partition }));
  await transactions.open(partitions);
  const outcomes = await Promise.all(
    partitions.map((one) =>
      transactions.run({
        progress: { ...one, offset: 1n, metadata: '' },
        records: [notice(stage, one.partition)],
        ours: new Set(),
        isOver: () => false,
      }),
    ),
  );
  t.ok(outcomes.every(({ kind }) => kind === 'committed'));
  // Brokers write the markers after they have answered.
  await until(async () => (await storedIn(stage)).length === 120);
});

t.test('the id of a partition is no other partition of any group', (t) => {
  t.equal(transactionalIdOf('a.b', { topic: 'c', partition: 0 }), 'millrace:a.b:c:0');
  t.not(
    transactionalIdOf('a', { topic: 'b.c', partition: 0 }),
    transactionalIdOf('a.b', { topic: 'c', partition: 0 }),
  );
  t.end();
});
