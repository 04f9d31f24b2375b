import fc from 'fast-check';
import t from 'tap';
import { decodeRecords } from '../../../../core/kafka/records/decode-records.ts';
import { encodeBatch, type BatchRecord } from '../../../../core/kafka/records/encode-batch.ts';
import { readHeaderName } from '../../../../core/kafka/records/header-name.ts';
import { flags, rawBatch, rawRecord } from '../fixtures/batches.ts';

const field = fc.option(
  fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc.nat(20_000).map((size) => Buffer.alloc(size, 'x')),
  ),
);
const rawName = fc.oneof(
  fc.constantFrom('a', '10', '9', '__proto__', 'constructor', '', 'ä').map((name) => Buffer.from(name)),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
);
const header = fc.record({ rawName, value: field }).map(({ rawName, value }) => {
  const { name, nameBytes } = readHeaderName(rawName, 0, rawName.length);
  return nameBytes === undefined ? { name, value } : { name, nameBytes, value };
});
const record: fc.Arbitrary<BatchRecord> = fc.record({
  key: field,
  value: field,
  headers: fc.array(header, { maxLength: 5 }),
  timestampMs: fc.oneof(fc.nat({ max: 2 ** 42 }), fc.constantFrom(0, 1_700_000_000_000, -1)),
});
const records = fc.array(record, { minLength: 1, maxLength: 6 });

t.test('what is encoded is decoded, order, repeats, nulls and bytes of headers too', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (given) => {
      const bytes = encodeBatch({
        ...{ records: given, producerId: 9n, producerEpoch: 1, baseSequence: 4, isTransactional: false },
      });
      const place = { topic: 'orders', partition: 0, fetchOffset: 0n, abortedTransactions: [] };
      const decoded = await decodeRecords({ ...place, bytes, maxUnpackedBytes: 0 });
      const expected = given.map((one, index) => ({
        topic: 'orders',
        partition: 0,
        offset: BigInt(index),
        ...one,
      }));
      t.strictSame(decoded.records, expected);
      return decoded.nextOffset === BigInt(given.length);
    }),
    { numRuns: 300 },
  );
});

t.test('the bytes are those of the specification', async () => {
  fc.assert(
    fc.property(records, fc.boolean(), (given, isTransactional) => {
      const base = given[0]!.timestampMs;
      const expected = rawBatch({
        leaderEpoch: -1,
        attributes: isTransactional ? flags.transactional : 0,
        baseTimestampMs: base,
        maxTimestampMs: Math.max(...given.map(({ timestampMs }) => timestampMs)),
        producerId: -1n,
        records: given.map(({ key, value, headers, timestampMs }, delta) =>
          rawRecord({
            ...{ delta, timestampDelta: timestampMs - base, key, value },
            headers: headers.map(
              ({ name, nameBytes, value }) => [nameBytes ?? Buffer.from(name), value] as const,
            ),
          }),
        ),
      });
      const nobody = { producerId: -1n, producerEpoch: -1, baseSequence: -1 };
      return encodeBatch({ records: given, ...nobody, isTransactional }).equals(expected);
    }),
    { numRuns: 300 },
  );
});

t.test('who wrote it, and in which place', async (t) => {
  const one = { key: null, value: null, headers: [], timestampMs: 5 };
  const producer = { producerId: 2n ** 40n, producerEpoch: 7, baseSequence: 2 ** 31 - 1 };
  const bytes = encodeBatch({ records: [one], ...producer, isTransactional: true });
  t.equal(bytes.readBigInt64BE(43), 2n ** 40n);
  t.equal(bytes.readInt16BE(51), 7);
  t.equal(bytes.readInt32BE(53), 2 ** 31 - 1);
  const none = encodeBatch({ records: [], ...producer, isTransactional: false });
  t.equal(none.readInt32BE(57), 0, 'a batch of none');
});
