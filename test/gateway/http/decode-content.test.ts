import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
  type InputType,
} from 'node:zlib';
import t from 'tap';
import { decodeContent } from '../../../gateway/http/decode-content.ts';

const text = JSON.stringify({
  batchItemFailures: Array.from({ length: 40 }, (_, id) => ({ itemIdentifier: `${id}` })),
});
const body = Buffer.from(text);
const most = 10_000;

const codings: readonly (readonly [coding: string, encode: (bytes: InputType) => Buffer])[] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
];

const decoded = (
  encoding: string | readonly string[] | undefined,
  bytes: Buffer,
  mostBytes = most,
): string => {
  const content = decodeContent(encoding, bytes, mostBytes);
  return 'body' in content ? content.body.toString() : content.unreadable;
};

t.test('each coding, in any case', async (t) => {
  for (const [coding, encode] of codings) {
    t.equal(decoded(coding, encode(body)), text, coding);
    t.equal(decoded(` ${coding.toUpperCase()}\t`, encode(body)), text, coding);
  }
});

t.test('without a coding, the content stays as it is', async (t) => {
  for (const encoding of [undefined, '', ' , ', [], 'identity', 'Identity,identity'])
    t.strictSame(decodeContent(encoding, body, most), { body }, String(encoding));
});

t.test('no content has any coding', async (t) => {
  for (const encoding of ['gzip', 'unknown', 'a,b,c,d'])
    t.strictSame(decodeContent(encoding, Buffer.alloc(0), most), { body: Buffer.alloc(0) });
});

t.test('up to three codings, the last one outside', async (t) => {
  const twice = brotliCompressSync(gzipSync(body));
  t.equal(decoded('gzip, br', twice), text);
  t.equal(decoded(['gzip', 'br'], twice), text, 'in two headers');
  t.equal(decoded('gzip,,identity,br', twice), text);
  t.match(decoded('br, gzip', twice), /^its content is not gzip: /);
  t.equal(decoded('deflate, gzip, br', brotliCompressSync(gzipSync(deflateRawSync(body)))), text);
  t.equal(decoded('gzip, gzip, gzip, gzip', body), 'it has 4 content-encodings');
});

t.test('a coding that is not known', async (t) => {
  for (const coding of ['compress', '__proto__', 'constructor', 'toString', 'gzip;q=1', '"gzip"'])
    t.equal(
      decoded(coding, body),
      `the content-encoding ${JSON.stringify(coding.toLowerCase())} is not known`,
    );
});

t.test('content that is not what it claims, or is cut', async (t) => {
  for (const [coding, encode] of codings) {
    const encoded = encode(body);
    for (const bytes of [
      body,
      encoded.subarray(0, 1),
      encoded.subarray(0, encoded.length >> 1),
      encoded.subarray(0, -1),
    ])
      t.match(decoded(coding, bytes), new RegExp(`^its content is not ${coding}: `));
  }
  const checksum = gzipSync(body);
  checksum[checksum.length - 5]! ^= 1;
  t.equal(decoded('gzip', checksum), 'its content is not gzip: incorrect data check');
});

t.test('content may be as large as the limit, and no larger', async (t) => {
  for (const [coding, encode] of codings) {
    t.equal(decoded(coding, encode(body), body.length), text, coding);
    t.equal(
      decoded(coding, encode(body), body.length - 1),
      `it is larger than ${body.length - 1} bytes`,
      coding,
    );
    t.equal(
      decoded(coding, encode(Buffer.alloc(2_000_000)), most),
      `it is larger than ${most} bytes`,
      coding,
    );
  }
  t.equal(
    decoded('gzip, gzip', gzipSync(gzipSync(Buffer.alloc(1_000_000)))),
    `it is larger than ${most} bytes`,
  );
});
