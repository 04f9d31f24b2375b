import t from 'tap';
import type { KafkaRecord } from '../../../../core/contract/record.ts';
import { readBatchHeader } from '../../../../core/kafka/records/batch-header.ts';
import { mostHeaders, RecordReader } from '../../../../core/kafka/records/record-reader.ts';
import { flags, rawBatch, rawRecord, sized, varint, type RawBatch } from '../fixtures/batches.ts';

const place = { topic: 'orders', partition: 3 };

function open(batch: RawBatch, fromOffset = batch.baseOffset ?? 0n) {
  const bytes = rawBatch(batch);
  const records: KafkaRecord[] = [];
  const reader = new RecordReader(place, readBatchHeader(bytes), bytes.subarray(61), fromOffset, records);
  return { reader, records };
}

function read(batch: RawBatch, fromOffset?: bigint): KafkaRecord[] {
  const { reader, records } = open(batch, fromOffset);
  while (!reader.readSlice(3));
  return records;
}

const unreadable = (message: RegExp) => ({ name: 'UnreadableBatch', message });
const text = (value: string): Buffer => Buffer.from(value);

t.test('a record', async (t) => {
  const headers = [
    [text('a'), text('1')],
    [text('b'), null],
    [text('a'), text('')],
    [Buffer.of(0xe9), null],
  ] as const;
  const records = read({
    baseOffset: 5n,
    baseTimestampMs: 1_000,
    records: [
      rawRecord({ key: text('k'), value: text('v'), timestampDelta: -7, headers }),
      rawRecord({ delta: 1 }),
    ],
  });
  t.strictSame(records, [
    {
      ...{ topic: 'orders', partition: 3, offset: 5n, timestampMs: 993, key: text('k'), value: text('v') },
      headers: [
        { name: 'a', value: text('1') },
        { name: 'b', value: null },
        { name: 'a', value: text('') },
        { name: '\ufffd', nameBytes: Buffer.of(0xe9), value: null },
      ],
    },
    { topic: 'orders', partition: 3, offset: 6n, timestampMs: 1_000, key: null, value: null, headers: [] },
  ]);
});

t.test('names of one record after those of another', async (t) => {
  const named = (delta: number, ...names: string[]) =>
    rawRecord({ delta, headers: names.map((name) => [text(name), null] as const) });
  const many = Array.from({ length: 100 }, (_, index) => String(index % 30));
  const names = [['a', 'b'], ['a', 'c'], ['a', 'c', 'd'], ['aa'], [], ['a', 'c'], many, many];
  const records = read({ records: names.map((some, delta) => named(delta, ...some)) });
  t.strictSame(
    records.map(({ headers }) => headers.map(({ name }) => name)),
    names,
  );
});

t.test('offsets and timestamps', async (t) => {
  const batch = { records: [rawRecord({ delta: 2, timestampDelta: 2n ** 45n }), rawRecord({ delta: 9 })] };
  const placed = { ...batch, baseOffset: 2n ** 60n, lastOffsetDelta: 12 };
  const offsets = (from?: bigint) => read(placed, from).map(({ offset }) => offset - 2n ** 60n);
  t.strictSame(offsets(), [2n, 9n], 'beyond the numbers of JavaScript');
  t.strictSame(offsets(2n ** 60n + 3n), [9n]);
  t.strictSame(offsets(2n ** 60n + 10n), []);
  t.equal(read(placed)[0]?.timestampMs, 1_000 + 2 ** 45);
  t.equal(read({ records: [rawRecord({ timestampDelta: -(2n ** 50n) })] })[0]?.timestampMs, 1_000 - 2 ** 50);
  const appended = { ...batch, lastOffsetDelta: 9, attributes: flags.logAppendTime, maxTimestampMs: 4_000 };
  t.strictSame(
    read(appended).map(({ timestampMs }) => timestampMs),
    [4_000, 4_000],
  );
});

t.test('slices end between any two headers', async (t) => {
  const headers = Array.from({ length: 4 }, (_, index) => [text(`h${index}`), null] as const);
  const { reader, records } = open({
    records: [rawRecord({ headers }), rawRecord({ delta: 1 })],
    baseOffset: 7n,
  });
  t.notOk(reader.readSlice(3));
  t.match([reader.isWithinRecord, records.length, records[0]?.headers.length], [true, 1, 2]);
  t.notOk(reader.readSlice(2));
  t.match([reader.isWithinRecord, reader.nextOffset, reader.made], [false, 8n, 5]);
  t.ok(reader.readSlice(2));
  t.match([reader.isWithinRecord, reader.nextOffset, reader.made], [false, 9n, 6]);
});

t.test('what a record cannot be', async (t) => {
  const fails = (message: RegExp, records: Buffer[], more: RawBatch = {}) =>
    t.throws(() => read({ lastOffsetDelta: 9, ...more, records }), unreadable(message), String(message));
  const start = [Buffer.of(0), varint(0), varint(0)] as const;
  const one = rawRecord({});
  fails(/count of records is -1/, [], { count: -1 });
  fails(/ends too early/, [one], { count: 2 });
  fails(/bytes after its last record/, [one, one], { count: 1 });
  fails(/offset of a record is out of its place: 0 /, [one, one]);
  fails(/out of its place: 10 /, [rawRecord({ delta: 10 })]);
  fails(/out of its place: -1 /, [rawRecord({ delta: -1 })]);
  fails(/length of a record is 1000/, [varint(1_000), one]);
  fails(/length of a record is -1/, [varint(-1), one]);
  fails(/ends too early/, [sized()]);
  fails(/length of a key is -2/, [sized(...start, varint(-2))]);
  fails(/length of a key is 1000/, [sized(...start, varint(1_000))]);
  fails(/length of a value is 5/, [sized(...start, varint(-1), varint(5))]);
  const bare = [...start, varint(-1), varint(-1)] as const;
  fails(/ends too early/, [sized(...bare)]);
  fails(/cannot have -1 headers/, [sized(...bare, varint(-1))]);
  fails(/cannot have 2147483647 headers/, [sized(...bare, varint(2 ** 31 - 1))]);
  fails(/length of a header name is -1/, [sized(...bare, varint(1), varint(-1), varint(-1))]);
  fails(/length of a header name is 9/, [sized(...bare, varint(1), varint(9), varint(-1))]);
  fails(/length of a header is 9/, [sized(...bare, varint(1), varint(0), varint(9))]);
  fails(/bytes after the last header/, [sized(...bare, varint(0), Buffer.of(0))]);
  fails(/bytes after the last header/, [sized(...bare, varint(1), varint(0), varint(-1), Buffer.of(0))]);
  fails(/more than five bytes/, [Buffer.alloc(6, 0x80)]);
  fails(/more than ten bytes/, [sized(Buffer.of(0), Buffer.alloc(11, 0x80))]);
  fails(/ends too early/, [sized(Buffer.of(0), Buffer.alloc(2, 0x80))]);
  fails(/ends too early/, [Buffer.alloc(3, 0x80)]);
});

t.test('a record has so many headers and no more', async (t) => {
  const empty = [text(''), null] as const;
  const record = (count: number) => rawRecord({ headers: Array<typeof empty>(count).fill(empty) });
  t.equal(read({ records: [record(mostHeaders)] })[0]?.headers.length, mostHeaders);
  t.throws(
    () => read({ records: [record(mostHeaders + 1)] }),
    unreadable(/more than 250000 headers: 250001/),
  );
});

t.test('about so many bytes are made, and one record at least', async (t) => {
  const bytes = rawBatch({ records: [0, 1, 2].map((delta) => rawRecord({ delta, value: text('v') })) });
  const most = (maxBytes: number) => {
    const records: KafkaRecord[] = [];
    const at = [place, readBatchHeader(bytes), bytes.subarray(61), 0n, records, maxBytes] as const;
    const reader = new RecordReader(...at);
    while (!reader.isFull && !reader.readSlice(3));
    return [records.length, reader.isFull, reader.bytesMade, reader.nextOffset];
  };
  const [, , each] = most(1);
  t.strictSame(most(1), [1, true, each, 1n]);
  t.strictSame(most(2 * Number(each)), [2, true, 2 * Number(each), 2n]);
  t.strictSame(most(3 * Number(each)), [3, false, 3 * Number(each), 3n]);
});
