import fc from 'fast-check';
import t from 'tap';
import { headerNameBytes, readHeaderName } from '../../../../core/kafka/records/header-name.ts';

const read = (bytes: Buffer) => readHeaderName(bytes, 0, bytes.length);

t.test('a name of any bytes is stored again as it was', async () => {
  const names = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(names, (bytes) => headerNameBytes(read(Buffer.from(bytes))).equals(bytes)),
    { numRuns: 2_000 },
  );
});

t.test('bytes stand beside a name only where it is no UTF-8', async (t) => {
  for (const name of ['', 'a', '10', '__proto__', 'constructor', 'café', '\ufeffx', '\ufffd', '💩', '\0'])
    t.strictSame(read(Buffer.from(name)), { name, nameBytes: undefined });
  const latin = Buffer.from('caf\xe9', 'latin1');
  t.strictSame(read(latin), { name: 'caf\ufffd', nameBytes: latin });
  const surrogate = Buffer.from('eda080', 'hex');
  t.strictSame(read(surrogate).nameBytes, surrogate);
});

t.test('of a longer text, only the name is read', async (t) => {
  t.equal(readHeaderName(Buffer.from('xabcx'), 1, 4).name, 'abc');
});
