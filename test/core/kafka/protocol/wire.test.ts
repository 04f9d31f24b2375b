import fc from 'fast-check';
import t from 'tap';
import { WireReader, WireWriter } from '../../../../core/kafka/protocol/wire.ts';

t.test('what is written is read', async () => {
  const item = fc.record({
    text: fc.string({ unit: 'grapheme', maxLength: 400 }),
    int: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    long: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    flag: fc.boolean(),
    size: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    short: fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }),
    bytes: fc.uint8Array({ maxLength: 3_000 }),
  });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 30 }), (items) => {
      const writer = new WireWriter();
      writer.array(items, (to, { text, int, long, flag, size, short, bytes }) =>
        to
          .string(text)
          .int32(int)
          .int64(long)
          .bool(flag)
          .varint(size)
          .int16(short)
          .binary(Buffer.from(bytes))
          .tags(),
      );
      const read = new WireReader(writer.bytes()).array((from) => {
        const back = {
          text: from.string(),
          int: from.int32(),
          long: from.int64(),
          flag: from.bool(),
          size: from.varint(),
          short: from.int16(),
          bytes: Uint8Array.from(from.bytes()),
        };
        from.tags();
        return back;
      });
      return JSON.stringify(read, plain) === JSON.stringify(items, plain);
    }),
  );
});

t.test('null strings and arrays, tagged fields', async (t) => {
  t.strictSame([...new WireWriter().array(undefined, () => undefined).bytes()], [0]);
  t.strictSame([...new WireWriter().string(null).bytes()], [0]);
  t.strictSame([...new WireWriter().array([], () => undefined).bytes()], [1]);
  const reader = new WireReader(Buffer.from([0, 0, 2, 7, 1, 0xff, 9, 0, 0x12, 0x34]));
  t.equal(reader.string(), null);
  t.strictSame(
    reader.array((from) => from.bool()),
    [],
  );
  reader.tags();
  t.equal(reader.int16(), 0x1234);
});

t.test('a truncated or absurd answer is an error', async (t) => {
  t.throws(() => new WireReader(Buffer.from([5, 65])).string(), RangeError);
  t.throws(() => new WireReader(Buffer.alloc(3)).int32(), RangeError);
  t.throws(() => new WireReader(Buffer.alloc(8, 0xff)).varint(), RangeError);
});

function plain(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
