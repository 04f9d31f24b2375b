import { constants, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { unpackZstd } from '../../../../core/kafka/records/unpack-zstd.ts';

const most = 1_000_000;
const { ZSTD_c_checksumFlag, ZSTD_c_contentSizeFlag } = constants;

/** A frame of a kind: with or without its size and a checksum, of few or many blocks. */
const frames = fc.record({
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.nat({ max: 400_000 }).map((size) => Buffer.alloc(size, 'the same words; ')),
    fc
      .uint8Array({ minLength: 200, maxLength: 200 })
      .map((part) => Buffer.concat(Array<Uint8Array>(700).fill(part))),
  ),
  hasChecksum: fc.nat(1),
  hasSize: fc.nat(1),
});

t.test('all frames are unpacked, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(frames, { maxLength: 4 }), async (parts) => {
      const packed = parts.map(({ bytes, hasChecksum, hasSize }) =>
        zstdCompressSync(bytes, {
          params: { [ZSTD_c_checksumFlag]: hasChecksum, [ZSTD_c_contentSizeFlag]: hasSize },
        }),
      );
      const unpacked = await unpackZstd(Buffer.concat(packed), 10 * most);
      return unpacked.equals(Buffer.concat(parts.map(({ bytes }) => bytes)));
    }),
    { numRuns: 100 },
  );
});

t.test('the limit is of all frames', async (t) => {
  const [hello, world] = [zstdCompressSync(Buffer.from('hello ')), zstdCompressSync(Buffer.from('world'))];
  t.equal(String(await unpackZstd(Buffer.concat([hello, world]), 11)), 'hello world');
  await t.rejects(unpackZstd(Buffer.concat([hello, world]), 10), { code: 'ERR_BUFFER_TOO_LARGE' });
  await t.rejects(unpackZstd(Buffer.concat([hello, world]), 6), { code: 'ERR_BUFFER_TOO_LARGE' });
});

t.test('skippable frames are skipped', async (t) => {
  const skippable = Buffer.from('5f2a4d18020000000102', 'hex');
  const hello = zstdCompressSync(Buffer.from('hello'));
  t.equal(String(await unpackZstd(Buffer.concat([skippable, hello, skippable]), most)), 'hello');
  await t.rejects(unpackZstd(skippable.subarray(0, -1), most), { message: /cut off/ });
});

t.test('a block of one repeated byte', async (t) => {
  // Magic, descriptor, window of 1 KiB, one last block of the byte a five times.
  t.equal(String(await unpackZstd(Buffer.from('28b52ffd00002b000061', 'hex'), most)), 'aaaaa');
});

t.test('what is no frame, or too many of them', async (t) => {
  const hello = zstdCompressSync(Buffer.from('hello'));
  await t.rejects(unpackZstd(Buffer.concat([hello, Buffer.from('more')]), most), {
    message: /no Zstandard frame/,
  });
  await t.rejects(unpackZstd(Buffer.concat([hello, hello.subarray(0, 3)]), most), { name: 'RangeError' });
  const many = Buffer.concat(Array<Buffer>(1_001).fill(hello));
  await t.rejects(unpackZstd(many, most), { message: 'it has more than 1000 frames' });
});

t.test('large batches of several frames are unpacked into one buffer', async (t) => {
  const half = Buffer.alloc(10 << 20, ' ');
  const packed = Buffer.concat([zstdCompressSync(half), zstdCompressSync(half)]);
  const unpacked = await unpackZstd(packed, 21 << 20);
  t.ok(unpacked.equals(Buffer.concat([half, half])));
  t.equal(unpacked.buffer.byteLength, 21 << 20);
  await t.rejects(unpackZstd(packed, 19 << 20), { code: 'ERR_BUFFER_TOO_LARGE' });
});
