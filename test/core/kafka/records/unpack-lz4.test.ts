import { gzipSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import t from 'tap';
import { unpackLz4 } from '../../../../core/kafka/records/unpack-lz4.ts';

const most = 20;

/** An LZ4 frame of the given blocks. The header's checksum fits `flags` 0x60 with blocks of 64 KiB. */
function lz4Frame(blocks: readonly Buffer[], end = Buffer.alloc(4)): Buffer {
  return Buffer.concat([Buffer.from('04224d18604082', 'hex'), ...blocks, end]);
}

t.test('lz4 frames by the specification', async (t) => {
  const plain = Buffer.from('0500008068656c6c6f', 'hex');
  t.equal(String(await unpackLz4(lz4Frame([plain, plain]), most)), 'hellohello');
  t.equal((await unpackLz4(lz4Frame([]), most)).length, 0);
  const behind = Buffer.concat([lz4Frame([plain]), lz4Frame([plain])]);
  t.equal(
    String(await unpackLz4(behind, most)),
    'hello',
    'as Java’s client, which stops at the end of the frame',
  );
  await t.rejects(
    unpackLz4(lz4Frame([plain], Buffer.alloc(0)), most),
    { name: 'RangeError' },
    'without an end',
  );
  await t.rejects(unpackLz4(lz4Frame(Array<Buffer>(5).fill(plain)), most), { message: /too large/ });
  await t.rejects(unpackLz4(gzipSync('other'), most), { message: /no LZ4 frame/ });
});

/** XXH32 of less than 16 bytes (xxhash_spec.md). */
function xxh32(bytes: Buffer): number {
  const [p1, p2, p3, p4, p5] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1];
  const turned = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
  let sum = p5 + bytes.length;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4)
    sum = Math.imul(turned((sum + Math.imul(bytes.readUInt32LE(at), p3)) | 0, 17), p4);
  for (; at < bytes.length; at++) sum = Math.imul(turned((sum + Math.imul(bytes[at]!, p5)) | 0, 11), p1);
  sum = Math.imul(sum ^ (sum >>> 15), p2);
  sum = Math.imul(sum ^ (sum >>> 13), p3);
  return (sum ^ (sum >>> 16)) >>> 0;
}

t.test('the optional fields of a frame', async (t) => {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(xxh32(Buffer.from('hello')));
  const block = Buffer.concat([Buffer.from('0500008068656c6c6f', 'hex'), checksum]);
  // The size of the contents, and a checksum after each block.
  const descriptor = Buffer.from('78400500000000000000', 'hex');
  const head = Buffer.concat([
    Buffer.from('04224d18', 'hex'),
    descriptor,
    Buffer.of((xxh32(descriptor) >> 8) & 255),
  ]);
  const frame = Buffer.concat([head, block, Buffer.alloc(4)]);
  t.equal(String(await unpackLz4(frame, 5)), 'hello');
  await t.rejects(unpackLz4(frame, 4), { message: /too large/ });
  await t.rejects(unpackLz4(frame.subarray(0, -1), 5), { name: 'RangeError' });
  const dictionary = Buffer.from('04224d186140010000000000000000', 'hex');
  await t.rejects(unpackLz4(dictionary, 5), /./, 'no client of Kafka has a dictionary');
});

t.test('a block unpacks to no more than the size of blocks, nor 255 times its bytes', async (t) => {
  const packed = compressFrameSync(Buffer.alloc(1_000, 'a'));
  t.equal((await unpackLz4(packed, 10_000)).length, 1_000);
  await t.rejects(unpackLz4(packed, 999), { message: /too large/ });
});
