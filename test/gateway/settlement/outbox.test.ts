// Replies and dead letters of a trigger whose replies are transactional. The Kafka in memory checks at each commit that a
// transaction settles exactly the records whose outputs it stores, and that a plain commit covers none of them.
import fc from 'fast-check';
import t from 'tap';
import type { OutgoingRecord } from '../../../core/contract/record-sink.ts';
import type { PartitionProgress, TransactionOutcome } from '../../../core/contract/record-source.ts';
import { Outbox, type Output } from '../../../gateway/settlement/outbox.ts';
import { MemoryKafka } from '../../fixtures/kafka/memory-kafka.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { runPipeline } from '../pipeline/run-pipeline.ts';
import { noFaults } from '../../fixtures/no-faults.ts';

t.setTimeout(110_000);

const deadLetter = { topic: 'quakes.dead' };
const reply = { topic: 'quakes.notices', transactional: true };
/** The reply's id is that of the event, or of the last one. */
const replying = ({ ids }: { ids: readonly string[] }) => ({
  status: 200,
  headers: { 'ce-specversion': '1.0', 'ce-id': ids.at(-1)!, 'ce-source': '/fn', 'ce-type': 'notice' },
  body: 'notice',
});
const idOf = ({ headers }: OutgoingRecord) =>
  headers.find(({ name }) => name === 'ce_id' || name === 'millrace-offset')?.value?.toString();
const error = new Error('not today');
const aborted = { kind: 'aborted', error } as const;
const refused = (topic: string, isOfOneRecord: boolean) =>
  ({ kind: 'refused', topic, isOfOneRecord, error }) as const;

t.test('many replies go into one transaction, and settle their records when it is committed', async (t) => {
  const { kafka, seen, pipeline } = await runPipeline(t, { trigger: { reply }, answer: replying });
  for (let offset = 0; offset < 50; offset += 1) kafka.produce();
  await until(() => kafka.isDone());
  t.strictSame(
    kafka.written.map(idOf),
    Array.from({ length: 50 }, (_, offset) => `partition:0/offset:${offset}`),
  );
  t.ok(kafka.transactions < 25, `${kafka.transactions} transactions`);
  await until(() => seen('settled').length === 50);
  t.equal(seen('replied').length, 50);
  t.match(pipeline.snapshot(), { queued: 0, delivered: 50, replies: 50 });
  t.equal(kafka.commits.length, kafka.transactions, 'no commit says again what a transaction said');
});

t.test('what is aborted settles nothing, says nothing, and is stored by a later transaction', async (t) => {
  const { kafka, fn, seen, pipeline } = await runPipeline(t, { trigger: { reply }, answer: replying });
  kafka.endsTransaction = () => aborted;
  kafka.produce();
  kafka.produce();
  await until(() => seen('commitFailed').length === 2 && fn.calls.length === 2);
  t.equal(seen('settled').length + seen('replied').length, 0);
  t.match(pipeline.snapshot(), { queued: 2, delivered: 0, replies: 0 });
  kafka.endsTransaction = undefined;
  await until(() => kafka.isDone());
  t.equal(fn.calls.length, 2, 'the function is not asked again');
  t.equal(kafka.written.length, 2);
});

t.test('a dead letter goes the same way, between the replies', async (t) => {
  const { kafka, seen } = await runPipeline(t, {
    trigger: { reply },
    delivery: { deadLetter },
    answer: (call) => (call.ids[0]!.endsWith(':1') ? 400 : replying(call)),
  });
  for (let offset = 0; offset < 3; offset += 1) kafka.produce();
  await until(() => kafka.isDone());
  t.strictSame(kafka.written.map(({ topic }) => topic).toSorted(), [
    'quakes.dead',
    'quakes.notices',
    'quakes.notices',
  ]);
  await until(() => seen('settled').length === 3);
  t.equal(seen('deadLettered').length, 1);
});

t.test('a reply that no broker takes is found, said, and holds nothing up but its lane', async (t) => {
  const { kafka, seen, pipeline } = await runPipeline(t, {
    trigger: { reply },
    delivery: { ordering: 'key' },
    answer: replying,
  });
  const tooLarge = 'partition:0/offset:3';
  kafka.endsTransaction = (records) =>
    records.some((record) => idOf(record) === tooLarge) ? refused(reply.topic, true) : undefined;
  for (let offset = 0; offset < 20; offset += 1) kafka.produce({ key: `k${offset % 10}` });
  await until(() => seen('settled').length === 18);
  t.strictSame(
    [...new Set(seen('storeFailed').map(([, { offset }, what]) => `${what} of ${offset}`))],
    ['reply of 3'],
  );
  t.notOk(kafka.settled(0).has(13n), 'what its key has to say later waits');
  t.equal(kafka.committed.get(0), 3n);
  t.match(pipeline.snapshot(), { queued: 2 });
  kafka.endsTransaction = undefined;
  await until(() => kafka.isDone());
  t.strictSame(kafka.written.map(idOf).slice(-2), [tooLarge, 'partition:0/offset:13']);
});

t.test('a dead-letter topic that is missing holds up dead letters, and no replies', async (t) => {
  const { kafka, seen } = await runPipeline(t, {
    trigger: { reply },
    delivery: { deadLetter, ordering: 'none' },
    answer: (call) => (Number(call.ids[0]!.split(':').at(-1)) % 2 === 0 ? 400 : replying(call)),
  });
  kafka.endsTransaction = (records) =>
    records.some(({ topic }) => topic === deadLetter.topic) ? refused(deadLetter.topic, false) : undefined;
  for (let offset = 0; offset < 10; offset += 1) kafka.produce();
  await until(() => seen('settled').length === 5);
  t.ok(seen('storeFailed').every(([, , what]) => what === 'dead letter'));
  kafka.endsTransaction = undefined;
  await until(() => kafka.isDone());
  t.equal(kafka.written.length, 10);
});

t.test('a release waits for the transaction; what a closed partition had staged is dropped', async (t) => {
  const { kafka, member, seen } = await runPipeline(t, {
    trigger: { reply },
    answer: replying,
    drainLimitMs: 200,
  });
  kafka.produce();
  await member.assign([0]);
  await until(() => kafka.isDone());
  kafka.endsTransaction = () => aborted;
  kafka.produce();
  await until(() => seen('commitFailed').length > 0);
  await member.assign([]);
  t.equal(kafka.committed.get(0), 1n);
  kafka.endsTransaction = undefined;
  await member.assign([0]);
  await until(() => kafka.isDone());
  t.equal(kafka.written.length, 2, 'its new owner stores it, once');
});

t.test('a partition stops fetching when its replies take too much memory', async (t) => {
  const { kafka, fn, seen } = await runPipeline(t, {
    trigger: { reply },
    answer: (call) => ({ ...replying(call), body: Buffer.alloc(2 ** 20) }),
  });
  kafka.endsTransaction = () => aborted;
  for (let offset = 0; offset < 20; offset += 1) kafka.produce();
  await until(() => seen('commitFailed').length > 1);
  t.ok(fn.calls.length <= 6, `${fn.calls.length} replies of 1 MiB wait`);
  kafka.endsTransaction = undefined;
  await until(() => kafka.isDone());
  t.equal(kafka.written.length, 20);
});

t.test('an output that the progress mark has no room for waits', async (t) => {
  const commits: { progress: PartitionProgress; records: readonly OutgoingRecord[] }[] = [];
  let room = 5n;
  const outbox = new Outbox({
    boundary: noFaults(),
    owner: {
      open: true,
      bytes: 0,
      progress: (settling = new Set()) => {
        let offset = 0n;
        while (settling.has(offset) && offset < room) offset += 1n;
        return { topic: 'quakes', partition: 0, offset, metadata: '' };
      },
    },
    commit: () => Promise.resolve(),
    commitWith: (progress, records) => {
      commits.push({ progress, records });
      return Promise.resolve({
        kind: 'committed',
        storedAt: records.map(() => ({ topic: '', partition: 0, offset: 0n })),
      });
    },
    onDue: () => undefined,
  });
  const stored: bigint[] = [];
  for (let offset = 0n; offset < 8n; offset += 1n) {
    const record = { topic: 'notices', key: null, value: null, headers: [] };
    const output: Output = {
      offset,
      lane: 'one',
      record,
      stored: () => stored.push(offset),
      failed: () => undefined,
    };
    outbox.stage(output);
  }
  await outbox.commit();
  t.match(commits, [{ progress: { offset: 5n }, records: { length: 5 } }]);
  t.strictSame(stored, [0n, 1n, 2n, 3n, 4n]);
  room = 8n;
});

const anyEnd = fc.constantFrom<'ok' | 'abort' | 'refuse one' | 'refuse topic'>(
  'ok',
  'ok',
  'abort',
  'refuse one',
  'refuse topic',
);

t.test('whatever fails and moves, each reply is there once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<'partition' | 'key' | 'none'>('partition', 'key', 'none'),
      fc.array(anyEnd, { maxLength: 12 }),
      fc.array(fc.constantFrom<readonly number[]>([0], [1], [0, 1], []), { maxLength: 4 }),
      fc.integer({ min: 1, max: 40 }),
      async (ordering, ends, moves, count) => {
        const kafka = new MemoryKafka();
        const teardowns: (() => unknown)[] = [];
        const scope = { teardown: (end: () => unknown) => void teardowns.unshift(end) } as never;
        const changes = {
          kafka,
          trigger: { reply },
          delivery: { ordering, deadLetter },
          drainLimitMs: 20,
          answer: replying,
        };
        kafka.endsTransaction = (records) => endOf(ends.shift() ?? 'ok', records);
        try {
          const one = await runPipeline(scope, { ...changes, partitions: [0] });
          const two = await runPipeline(scope, { ...changes, partitions: [1] });
          for (let index = 0; index < count; index += 1)
            kafka.produce({ partition: index % 2, key: `k${index % 6}` });
          const both = [one.member, two.member] as const;
          for (const mine of [...moves, [0]]) {
            const parts = [mine, [0, 1].filter((partition) => !mine.includes(partition))] as const;
            // As in a rebalance, the old owner releases a partition before the new owner gets it.
            for (const [index, member] of both.entries())
              await member.assign([...member.assigned.keys()].filter((one) => parts[index]?.includes(one)));
            for (const [index, member] of both.entries()) await member.assign(parts[index] ?? []);
          }
          await until(() => kafka.isDone([0, 1]), 20_000);
        } finally {
          await Promise.allSettled(teardowns.map((end) => end()));
        }
        if (kafka.violations.length > 0) throw new Error(kafka.violations.join('; '));
        const ids = kafka.written.map(idOf);
        if (ids.length !== count || new Set(ids).size !== count)
          throw new Error(`${count} records, replies: ${ids.join(' ')}`);
        if (ordering === 'partition' && !isInOrder(ids as string[]))
          throw new Error(`out of order: ${ids.join(' ')}`);
      },
    ),
    { numRuns: 25 },
  );
});

function endOf(
  end: 'ok' | 'abort' | 'refuse one' | 'refuse topic',
  records: readonly OutgoingRecord[],
): Exclude<TransactionOutcome, { kind: 'committed' }> | undefined {
  const topic = records[0]?.topic ?? '';
  if (end === 'abort') return aborted;
  return end === 'ok' ? undefined : refused(topic, end === 'refuse one');
}

function isInOrder(ids: readonly string[]): boolean {
  const last = new Map<string, number>();
  return ids.every((id) => {
    const [partition = '', offset] = id.split('/offset:');
    const isNext = Number(offset) > (last.get(partition) ?? -1);
    last.set(partition, Number(offset));
    return isNext;
  });
}
