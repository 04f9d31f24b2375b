import { promisify } from 'node:util';
import { gunzip, gzipSync } from 'node:zlib';
import t from 'tap';
import { largeBytes, outputOptions } from '../../../../core/kafka/records/output-options.ts';

t.test('what may be large is unpacked into one buffer, all else into small ones', async (t) => {
  t.strictSame(outputOptions(0), { maxOutputLength: 1 });
  t.strictSame(outputOptions(largeBytes), { maxOutputLength: largeBytes });
  const bytes = Buffer.alloc(largeBytes + 1, ' ');
  const unpack = (maxBytes: number) => promisify(gunzip)(gzipSync(bytes), outputOptions(maxBytes));
  const unpacked = await unpack(bytes.length);
  t.ok(unpacked.equals(bytes));
  t.equal(unpacked.buffer.byteLength, bytes.length + 1);
  await t.rejects(unpack(largeBytes), { code: 'ERR_BUFFER_TOO_LARGE' });
});
