import t from 'tap';
import {
  ByteReader,
  ByteWriter,
  bigVarintBytes,
  checksumOf,
  varintBytes,
} from '../../../../core/contract/marks/mark-bytes.ts';

t.test('the length of a number', async (t) => {
  const numbers = [0, 127, 128, 16_383, 16_384, 2 ** 49 - 1, 2 ** 49, Number.MAX_SAFE_INTEGER];
  t.strictSame(numbers.map(varintBytes), [1, 1, 2, 2, 3, 7, 8, 8]);
  const large = [5n, 2n ** 54n, 2n ** 56n - 1n, 2n ** 56n, 2n ** 63n - 1n];
  t.strictSame(large.map(bigVarintBytes), [1, 8, 8, 9, 9]);
});

t.test('what is written is read, and is as long as was said', async (t) => {
  const numbers = [0n, 127n, 128n, 2n ** 53n, 2n ** 63n - 1n];
  const writer = new ByteWriter(40);
  for (const number of numbers) {
    const before = writer.free;
    writer.varint(number);
    t.equal(before - writer.free, bigVarintBytes(number));
  }
  writer.byte(7);
  const bytes = Buffer.from(writer.close(9n), 'base64url');
  const payload = bytes.subarray(0, -4);
  t.equal(bytes.readUInt32BE(payload.length), checksumOf(9n, payload));
  const reader = new ByteReader(payload);
  t.strictSame(
    numbers.map(() => reader.varint()),
    numbers,
  );
  t.equal(reader.byte(), 7);
  t.strictSame([reader.isAtEnd, reader.isBroken], [true, false]);
});

t.test('bytes that are missing, and a number without an end, break it', async (t) => {
  const short = new ByteReader(Buffer.of());
  t.strictSame([short.byte(), short.isBroken], [0, true]);
  const endless = new ByteReader(Buffer.alloc(12, 0xff));
  t.strictSame([endless.varint(), endless.isBroken], [0n, true]);
});
