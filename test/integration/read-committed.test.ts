import fc from 'fast-check';
import t from 'tap';
import {
  hideAborted,
  type AbortedTransaction,
  type DecodedRecord,
} from '../fixtures/kafka/read-committed.ts';
import { consumeAll, createTopic, kafkaClient, uniqueName, useKafka } from '../fixtures/kafka/kafka.ts';

t.setTimeout(60_000);

/** A step of one of some producers: it writes a record, or ends its transaction. */
const steps = fc.array(
  fc.record({
    producer: fc.integer({ min: 0, max: 3 }),
    does: fc.constantFrom('write', 'write', 'write', 'plain', 'commit', 'abort'),
  }),
  { maxLength: 60 },
);

interface Log {
  readonly records: DecodedRecord[];
  /** In the order in which they end, as brokers tell them. */
  readonly aborted: (AbortedTransaction & { readonly lastOffset: number })[];
  /** Offsets of what is to be read. */
  readonly visible: Set<string>;
}

/** The log of these steps, with every transaction ended. Data may have the key of an abort. */
function logOf(given: readonly { producer: number; does: string }[]): Log {
  const log: Log = { records: [], aborted: [], visible: new Set() };
  const open = new Map<number, string[]>();
  const add = (producer: number, inTransaction: boolean, type?: number): string => {
    const offset = String(log.records.length);
    const key = type === undefined ? Buffer.alloc(4) : Buffer.from([0, 0, 0, type]);
    const batchContext = { producerId: String(producer), inTransaction };
    log.records.push({ offset, key, isControlRecord: type !== undefined, batchContext });
    return offset;
  };
  const end = (producer: number, isCommit: boolean): void => {
    const offsets = open.get(producer);
    if (offsets === undefined) return;
    open.delete(producer);
    const marker = add(producer, true, isCommit ? 1 : 0);
    const [firstOffset = ''] = offsets;
    if (isCommit) for (const offset of offsets) log.visible.add(offset);
    else log.aborted.push({ producerId: String(producer), firstOffset, lastOffset: Number(marker) });
  };
  for (const { producer, does } of given) {
    if (does === 'plain') log.visible.add(add(producer + 10, false));
    else if (does === 'write') open.set(producer, [...(open.get(producer) ?? []), add(producer, true)]);
    else end(producer, does === 'commit');
  }
  for (const producer of [...open.keys()]) end(producer, producer % 2 === 0);
  return log;
}

t.test(
  'of whatever transactions overlap, the committed records are read, wherever a fetch begins',
  async () => {
    fc.assert(
      fc.property(steps, fc.nat({ max: 40 }), fc.nat({ max: 40 }), (given, from, count) => {
        const { records, aborted, visible } = logOf(given);
        const messages = records.slice(from, from + count).map((one) => ({ ...one }));
        const until = from + messages.length;
        const abortedTransactions = aborted.filter(
          ({ firstOffset, lastOffset }) => Number(firstOffset) < until && lastOffset >= from,
        );
        hideAborted({ messages, abortedTransactions });
        const read = messages.filter(({ isControlRecord }) => !isControlRecord).map(({ offset }) => offset);
        const expected = messages.filter(({ offset }) => visible.has(offset)).map(({ offset }) => offset);
        return read.join() === expected.join();
      }),
      { numRuns: 2_000 },
    );
  },
);

t.test('a broker that tells of no transaction, or leaves the list out', async (t) => {
  const [record] = logOf([{ producer: 0, does: 'plain' }]).records;
  for (const abortedTransactions of [null, []]) {
    const partition = { messages: [{ ...record! }], abortedTransactions };
    hideAborted(partition);
    t.equal(partition.messages[0]?.isControlRecord, false);
  }
});

t.test('aborted transactions that overlap, at a real broker', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  const kafka = kafkaClient(servers);
  const [first, second] = await Promise.all(
    ['first', 'second'].map(async (name) => {
      const producer = kafka.producer({ transactionalId: uniqueName(name), maxInFlightRequests: 1 });
      t.teardown(() => producer.disconnect());
      await producer.connect();
      return producer;
    }),
  );
  const [early, late] = [await first!.transaction(), await second!.transaction()];
  for (const [transaction, name] of [
    [early, 'early'],
    [late, 'late'],
    [early, 'early'],
  ] as const)
    await transaction.send({ topic, messages: [{ value: name }] });
  await late.abort();
  await early.abort();
  const whole = await first!.transaction();
  await whole.send({ topic, messages: [{ value: 'whole' }] });
  await whole.commit();
  const values = (await consumeAll(servers, topic)).map(({ value }) => value?.toString());
  t.strictSame(values, ['whole']);
});
