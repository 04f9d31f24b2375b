// The content of an answer, without its codings (RFC 9110, section 8.4). We ask for `identity`; some functions compress all the same.
import {
  brotliDecompressSync,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
  type ZlibOptions,
} from 'node:zlib';

export type Content = { readonly body: Buffer } | { readonly unreadable: string };

/** More codings than this, one on the other, are not read. */
const mostCodings = 3;

type Limit = Required<Pick<ZlibOptions, 'maxOutputLength'>>;

const decoders: Readonly<Record<string, (body: Buffer, limit: Limit) => Buffer>> = {
  identity: (body) => body,
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflate,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

/** `encoding`: the header `content-encoding`. Content of more than `mostBytes` bytes is not read. */
export function decodeContent(
  encoding: string | readonly string[] | undefined,
  body: Buffer,
  mostBytes: number,
): Content {
  if (encoding === undefined || body.length === 0) return { body };
  const codings = String(encoding)
    .split(',')
    .map((one) => one.trim().toLowerCase())
    .filter((one) => one !== '');
  if (codings.length > mostCodings) return { unreadable: `it has ${codings.length} content-encodings` };
  let content = body;
  for (const coding of codings.reverse()) {
    const decode = Object.hasOwn(decoders, coding) ? decoders[coding] : undefined;
    if (decode === undefined)
      return { unreadable: `the content-encoding ${JSON.stringify(coding)} is not known` };
    try {
      content = decode(content, { maxOutputLength: mostBytes });
    } catch (error) {
      const { code, message } = error as Error & { code?: string };
      return {
        unreadable:
          code === 'ERR_BUFFER_TOO_LARGE'
            ? `it is larger than ${mostBytes} bytes`
            : `its content is not ${coding}: ${message}`,
      };
    }
  }
  return { body: content };
}

/** With the header of zlib, as RFC 9110 says, or without, as many send it. */
function inflate(body: Buffer, limit: Limit): Buffer {
  try {
    return inflateSync(body, limit);
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw error;
    return inflateRawSync(body, limit);
  }
}
