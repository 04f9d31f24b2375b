// The four compressions of Kafka. What is corrupt, or would unpack to more than a limit, is an error before its memory is taken.
import { promisify } from 'node:util';
import { gunzip, gzip, zstdCompress } from 'node:zlib';
import { describeError } from '../../contract/errors.ts';
import { outputOptions } from './output-options.ts';
import { unpackLz4 } from './unpack-lz4.ts';
import { unpackSnappy } from './unpack-snappy.ts';
import { unpackZstd } from './unpack-zstd.ts';
import { UnreadableBatch } from './unreadable-batch.ts';

/** As topics name them in `compression.type`. */
export type Compression = 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** By the number in the attributes of a batch; 0 is none. */
export const compressions: readonly (Compression | undefined)[] = [
  undefined,
  'gzip',
  'snappy',
  'lz4',
  'zstd',
];

/** A batch may unpack to so much: some hundred times what brokers accept as one by default (1 MiB, `message.max.bytes`). */
export const mostUnpackedBytes = 256 * 1024 * 1024;

interface Format {
  readonly pack: (bytes: Buffer) => Promise<Buffer>;
  readonly unpack: (packed: Buffer, maxBytes: number) => Promise<Buffer>;
}

const formats: Readonly<Record<Compression, Format>> = {
  gzip: {
    pack: promisify(gzip),
    unpack: (packed, maxBytes) => promisify(gunzip)(packed, outputOptions(maxBytes)),
  },
  // Native libraries, which most processes never need: loaded with the first batch.
  snappy: { pack: async (bytes) => (await import('snappy')).compress(bytes), unpack: unpackSnappy },
  lz4: { pack: async (bytes) => (await import('lz4-napi')).compressFrame(bytes), unpack: unpackLz4 },
  zstd: { pack: promisify(zstdCompress), unpack: unpackZstd },
};

export function pack(compression: Compression, bytes: Buffer): Promise<Buffer> {
  return formats[compression].pack(bytes);
}

/** Off the event loop. Rejects with UnreadableBatch and nothing else. */
export async function unpack(
  compression: Compression,
  packed: Buffer,
  maxBytes = mostUnpackedBytes,
): Promise<Buffer> {
  try {
    return await formats[compression].unpack(packed, maxBytes);
  } catch (cause) {
    const isTooLarge = cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
    const why = isTooLarge
      ? `it unpacks to more than ${maxBytes} bytes`
      : `it cannot be unpacked (${describeError(cause)})`;
    throw new UnreadableBatch(`compressed with ${compression}, ${why}`, { isTooLarge });
  }
}
