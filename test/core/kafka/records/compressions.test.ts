import { inspect } from 'node:util';
import { deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { pack, unpack, type Compression } from '../../../../core/kafka/records/compressions.ts';
import { UnreadableBatch } from '../../../../core/kafka/records/unreadable-batch.ts';

t.setTimeout(115_000);

const text = Array.from(
  { length: 4_000 },
  (_, index) => `${index} ${'the same words over and over; '.repeat(index % 9)}`,
);

for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
  t.test(`${compression}: whatever is packed comes back`, async () => {
    const parts = fc.array(fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 400 })), {
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(parts, async (repeated) => {
        const bytes = Buffer.concat(repeated.flatMap(([part, times]) => Array<Uint8Array>(times).fill(part)));
        return (await unpack(compression, await pack(compression, bytes))).equals(bytes);
      }),
      { numRuns: 100 },
    );
  });

  t.test(`${compression}: what is corrupt is an error or other bytes, within the limit`, async (t) => {
    const limit = 300_000;
    const packed = await pack(compression, Buffer.from(text.join('\n').slice(0, limit)));
    const flips = fc.array(fc.tuple(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    // The first bytes say how the others are to be read.
    const headFlips = fc.array(fc.tuple(fc.nat(24), fc.integer({ min: 1, max: 255 })), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(flips, headFlips, async (inBody, inHead) => {
        const broken = Buffer.from(packed);
        for (const [at, mask] of [...inBody, ...inHead]) broken[at]! ^= mask;
        return isErrorOrWithin(unpack(compression, broken, limit), limit);
      }),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (noise) =>
        isErrorOrWithin(unpack(compression, Buffer.from(noise), limit), limit),
      ),
      { numRuns: 300 },
    );
    for (const length of [1, 5, 12, packed.length >> 1, packed.length - 1]) {
      await t.rejects(
        unpack(compression, packed.subarray(0, length)),
        unreadable(compression),
        `cut off after ${length}`,
      );
    }
  });

  t.test(`${compression}: a batch may unpack to the limit and no further`, async (t) => {
    const bytes = Buffer.alloc(3 * 65_536, 'a');
    const packed = await pack(compression, bytes);
    // Of lz4, the size is known to one block.
    const enough = compression === 'lz4' ? bytes.length + 65_536 : bytes.length;
    t.ok((await unpack(compression, packed, enough)).equals(bytes));
    await t.rejects(unpack(compression, packed, bytes.length - 1), {
      message: `compressed with ${compression}, it unpacks to more than ${bytes.length - 1} bytes`,
      isTooLarge: true,
    });
  });

  t.test(`${compression}: the limit is 256 MiB`, async (t) => {
    const bomb = await pack(compression, Buffer.alloc(2 ** 28 + 1));
    await t.rejects(unpack(compression, bomb), { message: /more than 268435456 bytes/ });
  });
}

const unreadable = (compression: Compression) => ({
  name: 'UnreadableBatch',
  message: new RegExp(`^compressed with ${compression}, it cannot be unpacked .`),
});

async function isErrorOrWithin(unpacking: Promise<Buffer>, limit: number): Promise<boolean> {
  try {
    return (await unpacking).length <= limit;
  } catch (error) {
    if (error instanceof UnreadableBatch) return true;
    throw new Error(`an error of another kind: ${inspect(error)}`, { cause: error });
  }
}

t.test('gzip takes no other format, and all members of its own', async (t) => {
  await t.rejects(unpack('gzip', deflateRawSync('other')), unreadable('gzip'));
  const members = Buffer.concat([gzipSync('hello '), gzipSync('world')]);
  t.equal(String(await unpack('gzip', members)), 'hello world');
});
