// How compressed record batches are read: all four compressions of Kafka, where kafkajs knows gzip alone. A batch that is
// corrupt, or that would unpack to more than a limit, is an error before its memory is taken, never a crash.
import { promisify } from 'node:util';
import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import * as lz4 from 'lz4-napi';
import * as snappy from 'snappy';
import { describeError, MillraceError } from '../../contract/errors.ts';

/** What kafkajs wants of a codec. */
export interface Codec {
  readonly compress: (encoder: { readonly buffer: Buffer }) => Promise<Buffer>;
  /** Rejects with MILLRACE_KAFKA_FAILED, not to be tried again: the same bytes would come. */
  readonly decompress: (packed: Buffer) => Promise<Buffer>;
}

interface Format {
  readonly pack: (bytes: Buffer) => Promise<Buffer>;
  readonly unpack: (packed: Buffer, maxBytes: number) => Promise<Buffer>;
}

/** As topics name them in `compression.type`. */
export type Compression = 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** Some hundred times what brokers accept as a batch by default (1 MiB, `message.max.bytes`). */
const maxBatchBytes = 256 * 1024 * 1024;

const formats: Readonly<Record<Compression, Format>> = {
  gzip: {
    pack: promisify(gzip),
    unpack: (packed, maxOutputLength) => promisify(gunzip)(packed, { maxOutputLength }),
  },
  snappy: { pack: snappy.compress, unpack: unpackSnappy },
  lz4: { pack: lz4.compressFrame, unpack: unpackLz4 },
  zstd: {
    pack: promisify(zstdCompress),
    unpack: (packed, maxOutputLength) => promisify(zstdDecompress)(packed, { maxOutputLength }),
  },
};

/** For every kafkajs client of this process; again makes no difference. */
export function registerCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  const types = {
    gzip: CompressionTypes.GZIP,
    snappy: CompressionTypes.Snappy,
    lz4: CompressionTypes.LZ4,
    zstd: CompressionTypes.ZSTD,
  } as const;
  for (const name of Object.keys(types) as Compression[]) {
    const codec = createCodec(name);
    CompressionCodecs[types[name]] = () => codec;
  }
}

/** `maxBytes` is the limit of one batch, unpacked; 256 MiB when absent. */
export function createCodec(name: Compression, maxBytes = maxBatchBytes): Codec {
  const { pack, unpack } = formats[name];
  return {
    compress: ({ buffer }) => pack(buffer),
    async decompress(packed) {
      try {
        return await unpack(packed, maxBytes);
      } catch (cause) {
        const reason = isTooLarge(cause) ? `it unpacks to more than ${maxBytes} bytes` : describeError(cause);
        // kafkajs keeps the message alone, so the reason stands in it.
        const error = new MillraceError(
          'MILLRACE_KAFKA_FAILED',
          `a batch compressed with ${name} cannot be read: ${reason}`,
        );
        throw Object.assign(error, { retriable: false });
      }
    },
  };
}

/** The Java client's framing, snappy-java's: this, two versions of 4 bytes, then blocks, each after its length. */
const xerialMagic = Buffer.from('\x82SNAPPY\0', 'latin1');
const xerialHeaderBytes = xerialMagic.length + 8;

async function unpackSnappy(packed: Buffer, maxBytes: number): Promise<Buffer> {
  const blocks = snappyBlocks(packed);
  const total = blocks.reduce((sum, block) => sum + snappyUnpackedBytes(block), 0);
  if (total > maxBytes) throw tooLarge();
  const unpacked = await Promise.all(blocks.map((block) => snappy.uncompress(block)));
  return Buffer.concat(unpacked as Buffer[]);
}

/** Raw snappy, as librdkafka writes it, is one block. */
function snappyBlocks(packed: Buffer): Buffer[] {
  if (!packed.subarray(0, xerialMagic.length).equals(xerialMagic)) return [packed];
  const blocks: Buffer[] = [];
  for (let offset = xerialHeaderBytes; offset < packed.length;) {
    const start = offset + 4;
    offset = start + packed.readUInt32BE(offset);
    if (offset > packed.length) throw new Error('its last block is cut off');
    blocks.push(packed.subarray(start, offset));
  }
  return blocks;
}

/** A block begins with its length unpacked, a varint (format_description.txt of snappy, section 1). */
function snappyUnpackedBytes(block: Buffer): number {
  let bytes = 0;
  for (let index = 0; index < 5; index++) {
    const septet = block.readUInt8(index);
    bytes += (septet & 0x7f) * 2 ** (7 * index);
    if (septet < 0x80) return bytes;
  }
  throw new Error('its block has no length');
}

async function unpackLz4(packed: Buffer, maxBytes: number): Promise<Buffer> {
  if (lz4MostBytes(packed) > maxBytes) throw tooLarge();
  return lz4.decompressFrame(packed);
}

/**
 * At most so many bytes come out of an LZ4 frame, by its blocks (lz4_Frame_format.md): each has no more than the frame's
 * block size, and LZ4 packs no more than 255 bytes into one. Exact to one block where blocks are full, as Kafka's clients
 * write them. Throws where the frame does not end, which the library would take for less data.
 */
function lz4MostBytes(frame: Buffer): number {
  if (frame.readUInt32LE(0) !== 0x184d2204) throw new Error('it is no LZ4 frame');
  const flags = frame.readUInt8(4);
  const blockBytes = 2 ** (8 + 2 * ((frame.readUInt8(5) >> 4) & 7));
  const checksumBytes = flags & 0x10 ? 4 : 0;
  let offset = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
  let most = 0;
  for (;;) {
    const size = frame.readUInt32LE(offset);
    if (size === 0) return most;
    const bytes = size & 0x7fff_ffff;
    const isPlain = bytes !== size;
    most += isPlain ? bytes : Math.min(blockBytes, 255 * bytes);
    offset += 4 + bytes + checksumBytes;
  }
}

/** As node:zlib says it. */
function tooLarge(): Error {
  return Object.assign(new Error('too large'), { code: 'ERR_BUFFER_TOO_LARGE' });
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}
