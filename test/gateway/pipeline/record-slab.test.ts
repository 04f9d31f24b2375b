import t from 'tap';
import { RecordSlab } from '../../../gateway/pipeline/record-slab.ts';
import type { KafkaRecord } from '../../../core/contract/record.ts';
import { retainedMb } from '../../fixtures/retained-memory.ts';

const empty: KafkaRecord = {
  ...{ topic: 'orders', partition: 3, offset: 7n, timestampMs: 0, key: null, value: null, headers: [] },
};

t.test('a record is the same as before, whatever becomes of the answer', async (t) => {
  const answer = Buffer.from('key value header');
  const headers = [
    { name: 'a', value: answer.subarray(10) },
    { name: 'b', nameBytes: answer.subarray(0, 1), value: null },
    { name: 'a', value: answer.subarray(0, 0) },
  ];
  const slab = new RecordSlab();
  const record = { ...empty, key: answer.subarray(0, 3), value: answer.subarray(4, 9), headers };
  const before = structuredClone(record);
  slab.own(record);
  answer.fill(0);
  const textOf = (bytes: Uint8Array | null | undefined) => bytes && Buffer.from(bytes).toString();
  const textsOf = ({ key, value, headers: named }: KafkaRecord) => [
    [textOf(key), textOf(value)],
    ...named.map((header) => [header.name, textOf(header.nameBytes), textOf(header.value)]),
  ];
  t.strictSame(textsOf(record), textsOf(before));
  t.notOk('nameBytes' in record.headers[0]!);
  const hollow = { ...empty };
  slab.own(hollow);
  t.strictSame(hollow, empty);
});

t.test('records of all sizes, each with its own bytes', async (t) => {
  const slab = new RecordSlab();
  const records = Array.from({ length: 500 }, (_, index) => {
    const record = { ...empty, value: Buffer.alloc((index * 37) % 3_000, index % 251) };
    slab.own(record);
    return record;
  });
  t.ok(records.every(({ value }, index) => value.length === (index * 37) % 3_000));
  t.ok(records.every(({ value }, index) => value.every((byte) => byte === index % 251)));
});

t.test('a record that is most of an answer is left where it is', async (t) => {
  const answer = Buffer.alloc(100_000);
  const value = answer.subarray(100, 90_000);
  const record = { ...empty, value };
  new RecordSlab().own(record);
  t.equal(record.value, value);
});

/** A record of 10 bytes in an answer of 1 MiB. */
function fetchOne(index: number): KafkaRecord {
  const answer = Buffer.alloc(2 ** 20, index);
  return { ...empty, offset: BigInt(index), timestampMs: 1.7e12 + index, value: answer.subarray(500, 510) };
}

t.test('one record of each of 100 answers keeps none of them', async (t) => {
  const slab = new RecordSlab();
  const before = retainedMb();
  const kept: KafkaRecord[] = [];
  for (let index = 0; index < 100; index += 1) {
    const record = fetchOne(index);
    slab.own(record);
    kept.push(record);
  }
  const grown = retainedMb() - before;
  t.ok(grown < 1, `${grown} MiB`);
  t.equal(kept.length, 100);
});

t.test('a record takes 300 bytes more than it has', async (t) => {
  const count = 50_000;
  const answer = Buffer.alloc(2 ** 20, 1);
  const slab = new RecordSlab();
  const kept: KafkaRecord[] = [];
  const before = retainedMb();
  for (let index = 0; index < count; index += 1) {
    const value = answer.subarray(index, index + 100);
    // As the decoder makes it.
    const record = {
      ...{ topic: 'orders', partition: 3, offset: BigInt(index), timestampMs: 1.7e12 + index, key: null },
      ...{ value, headers: empty.headers },
    };
    slab.own(record);
    kept.push(record);
  }
  const each = ((retainedMb() - before) * 2 ** 20) / count;
  t.ok(each < 100 + 300, `${each} bytes`);
  t.equal(kept.length, count);
});
