import fc from 'fast-check';
import t from 'tap';
import { crc32c } from '../../../../core/kafka/records/crc32c.ts';

t.test('the examples of RFC 3720, B.4', async (t) => {
  const up = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
  t.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  t.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
  t.equal(crc32c(up), 0x46dd794e);
  t.equal(crc32c(Buffer.from(up.toReversed())), 0x113fdb5c);
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  t.equal(crc32c(Buffer.alloc(0)), 0);
});

/** Bit by bit. */
function slowly(bytes: Uint8Array): number {
  let sum = 0xffff_ffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f63b78 : 0);
  }
  return ~sum >>> 0;
}

t.test('any bytes, at once or in two parts', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (given, cut) => {
      const bytes = Buffer.from(given);
      const parts = crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)));
      return crc32c(bytes) === slowly(given) && parts === slowly(given);
    }),
    { numRuns: 1_000 },
  );
});
