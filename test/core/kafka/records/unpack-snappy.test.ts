import { compressSync } from 'snappy';
import t from 'tap';
import { unpackSnappy } from '../../../../core/kafka/records/unpack-snappy.ts';

const most = 20;

/** As snappy-java writes it. */
function xerial(...blocks: readonly Buffer[]): Buffer {
  const header = Buffer.from('\x82SNAPPY\0\0\0\0\x01\0\0\0\x01', 'latin1');
  const framed = blocks.flatMap((block) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    return [length, block];
  });
  return Buffer.concat([header, ...framed]);
}

t.test('snappy in the framing of the Java client', async (t) => {
  const [hello, world] = [compressSync('hello '), compressSync('world')];
  t.equal(String(await unpackSnappy(xerial(hello, world), most)), 'hello world');
  t.equal((await unpackSnappy(xerial(), most)).length, 0);
  await t.rejects(unpackSnappy(xerial(hello, world).subarray(0, -1), most), { message: /cut off/ });
  await t.rejects(unpackSnappy(xerial(hello, Buffer.alloc(0)), most), { code: 'ERR_BUFFER_OUT_OF_BOUNDS' });
  const large = compressSync('x'.repeat(11));
  await t.rejects(
    unpackSnappy(xerial(large, large), most),
    { message: /too large/ },
    'the limit is of all blocks',
  );
  const huge = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]);
  await t.rejects(unpackSnappy(huge, most), { message: /too large/ }, 'a length of 4 GiB takes no memory');
  await t.rejects(unpackSnappy(Buffer.alloc(9, 0xff), most), { message: /no length/ });
});
