// The decoder and the encoder of record batches, at a real broker: what it stores, packs, compacts and aborts.
import { isDeepStrictEqual } from 'node:util';
import t, { type Test } from 'tap';
import type { KafkaRecord } from '../../core/contract/record.ts';
import { registerCodecs } from '../../core/kafka/administration/codecs.ts';
import { decodeRecords, type Decoded } from '../../core/kafka/records/decode-records.ts';
import { encodeBatch, type BatchRecord } from '../../core/kafka/records/encode-batch.ts';
import {
  consumeAll,
  createTopic,
  kafkaClient,
  ownKafka,
  uniqueName,
  useKafka,
} from '../fixtures/kafka/kafka.ts';
import { rawFetch, rawProduce } from '../fixtures/kafka/raw-requests.ts';

t.setTimeout(120_000);
registerCodecs();

async function fetch(
  servers: string,
  topic: string,
  fetchOffset: bigint,
  maxBytes?: number,
): Promise<Decoded> {
  const { bytes, abortedTransactions } = await rawFetch(servers, topic, fetchOffset, maxBytes);
  const fetched = { topic, partition: 0, bytes, fetchOffset, abortedTransactions, maxUnpackedBytes: 2 ** 26 };
  return decodeRecords(fetched);
}

/** All records, by as many fetches as it takes. */
async function fetchAll(servers: string, topic: string, maxBytes?: number): Promise<KafkaRecord[]> {
  const records: KafkaRecord[] = [];
  for (let next = 0n; ;) {
    const found = await fetch(servers, topic, next, maxBytes);
    if (found.corrupt !== undefined) throw found.corrupt.error;
    if (found.nextOffset === next) return records;
    records.push(...found.records);
    next = found.nextOffset;
  }
}

async function startProducer(t: Test, servers: string, transactionalId?: string) {
  const idempotence = transactionalId === undefined ? {} : { transactionalId, maxInFlightRequests: 1 };
  const producer = kafkaClient(servers).producer(idempotence);
  t.teardown(() => producer.disconnect());
  await producer.connect();
  return producer;
}

function batchOf(records: readonly BatchRecord[]): Buffer {
  return encodeBatch({
    ...{ records, producerId: -1n, producerEpoch: -1, baseSequence: -1, isTransactional: false },
  });
}

const odd: readonly BatchRecord[] = [
  {
    key: null,
    value: Buffer.alloc(0),
    headers: ['a', '10', '9', '__proto__', 'a', 'constructor', 'ä'].map((name, index) => ({
      name,
      value: index % 3 === 0 ? null : Buffer.from(name),
    })),
    timestampMs: 1_700_000_000_000,
  },
  {
    key: Buffer.alloc(0),
    value: null,
    headers: [{ name: 'caf\ufffd', nameBytes: Buffer.from('caf\xe9', 'latin1'), value: Buffer.from([0xff]) }],
    timestampMs: 1_600_000_000_000,
  },
];

/** A broker that packs batches anew reads names as text. */
function readAsText(records: readonly BatchRecord[]): BatchRecord[] {
  const headersOf = ({ headers }: BatchRecord) => headers.map(({ name, value }) => ({ name, value }));
  return records.map((record) => ({ ...record, headers: headersOf(record) }));
}

function stored(topic: string, records: readonly BatchRecord[], from = 0): KafkaRecord[] {
  return records.map((record, index) => ({ topic, partition: 0, offset: BigInt(from + index), ...record }));
}

for (const compression of ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']) {
  t.test(`what is encoded comes back as it was, stored by Kafka as ${compression}`, async (t) => {
    const servers = await useKafka(t);
    const topic = await createTopic(t, servers, {
      partitions: 1,
      configs: { 'compression.type': compression },
    });
    const many = Array.from({ length: 3_000 }, (_, index) => ({
      key: Buffer.from(`key ${index}`),
      value: Buffer.from('the same words over and over; '.repeat(index % 9)),
      headers: [{ name: 'place', value: Buffer.from(String(index)) }],
      timestampMs: 1_700_000_000_000 + index,
    }));
    t.match(await rawProduce(servers, topic, batchOf(odd)), { errorCode: 0, baseOffset: 0n });
    t.match(await rawProduce(servers, topic, batchOf(many)), { errorCode: 0, baseOffset: 2n });
    const found = await fetchAll(servers, topic);
    t.strictSame(found.slice(0, 2), stored(topic, compression === 'uncompressed' ? odd : readAsText(odd)));
    t.ok(isDeepStrictEqual(found.slice(2), stored(topic, many, 2)));
    t.ok(isDeepStrictEqual(await fetchAll(servers, topic, 5_000), found), 'in small answers');
    const within = await fetch(servers, topic, 1_000n);
    t.match([within.records[0]?.offset, within.nextOffset], [1_000n, 3_002n], 'from within a batch');
    t.match(within, { lastTimestampMs: 1_700_000_002_999, leaderEpoch: 0 });
    const seen = await consumeAll(servers, topic);
    const values = (records: readonly { value: Buffer | null }[]) => records.map(({ value }) => value);
    t.ok(isDeepStrictEqual(values(seen), values(found)), 'kafkajs agrees');
  });
}

t.test('what kafkajs writes is read, with the time at which the broker stored it', async (t) => {
  const servers = await useKafka(t);
  const configs = { 'message.timestamp.type': 'LogAppendTime' };
  const topic = await createTopic(t, servers, { partitions: 1, configs });
  const producer = await startProducer(t, servers);
  const beforeMs = Date.now();
  await producer.send({
    topic,
    messages: [{ key: 'k', value: 'v', timestamp: '5', headers: { a: ['1', '2'] } }],
  });
  const [record, ...others] = await fetchAll(servers, topic);
  t.match(record, { key: Buffer.from('k'), value: Buffer.from('v'), offset: 0n });
  t.strictSame(
    record?.headers.map(({ name, value }) => `${name} ${String(value)}`),
    ['a 1', 'a 2'],
  );
  t.ok(record!.timestampMs >= beforeMs);
  t.equal(others.length, 0);
});

t.test('of transactions that overlap, what was committed is read, wherever a fetch begins', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  const [first, second] = [
    await startProducer(t, servers, uniqueName('first')),
    await startProducer(t, servers, uniqueName('second')),
  ];
  const early = await first.transaction();
  const late = await second.transaction();
  const send = (transaction: typeof early, ...values: string[]) =>
    transaction.send({ topic, messages: values.map((value) => ({ value })) });
  await send(early, 'early', 'early');
  await send(late, 'late');
  await send(early, 'early');
  await late.abort();
  await early.abort();
  const whole = await second.transaction();
  await send(whole, 'whole', 'whole');
  await whole.commit();
  // The markers are written after the transaction is committed.
  while ((await fetch(servers, topic, 8n)).nextOffset !== 9n);
  // Four that were aborted, two markers, two that were committed, one marker.
  for (let from = 0n; from <= 8n; from++) {
    const { records, nextOffset } = await fetch(servers, topic, from);
    const expected = [6n, 7n].filter((offset) => offset >= from);
    t.strictSame([records.map(({ offset }) => offset), nextOffset], [expected, 9n], `from ${from}`);
    t.ok(records.every(({ value }) => String(value) === 'whole'));
  }
});

t.test('a compacted log has gaps, and no fetch is lost in them', async (t) => {
  const { bootstrapServers: servers } = await ownKafka(t, {
    properties: { 'log.cleaner.backoff.ms': '50', 'log.retention.check.interval.ms': '100' },
  });
  const configs = {
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.001',
    'segment.bytes': '1048576',
    'segment.ms': '100',
  };
  const topic = await createTopic(t, servers, { partitions: 1, configs });
  const write = (...keys: string[]) =>
    rawProduce(
      servers,
      topic,
      batchOf(
        keys.map((key) => ({
          key: Buffer.from(key),
          value: Buffer.from(key),
          headers: [],
          timestampMs: Date.now(),
        })),
      ),
    );
  await write('a', 'b', 'a', 'c', 'a');
  await write('b', 'b', 'b');
  let records: KafkaRecord[] = [];
  // What is written last is in a segment of its own, which is not compacted.
  for (
    let round = 0;
    records.length !== new Set(records.map(({ key }) => String(key))).size || round < 2;
    round++
  ) {
    await write(`round ${round}`);
    records = await fetchAll(servers, topic);
  }
  t.strictSame(
    records.slice(0, 3).map(({ offset, key }) => `${offset} ${String(key)}`),
    ['3 c', '4 a', '7 b'],
  );
  for (const from of [0n, 4n, 5n, 6n]) {
    const { records: found, corrupt } = await fetch(servers, topic, from);
    t.equal(corrupt, undefined);
    t.equal(
      found[0]?.offset,
      [3n, 4n, 7n].find((offset) => offset >= from),
    );
  }
});
