// The codecs of Kafka's compressions for kafkajs, which knows gzip alone.
import kafkajs from 'kafkajs';
import { describeError, MillraceError } from '../../contract/errors.ts';
import { mostUnpackedBytes, pack, unpack, type Compression } from '../records/compressions.ts';

/** What kafkajs wants of a codec. */
export interface Codec {
  readonly compress: (encoder: { readonly buffer: Buffer }) => Promise<Buffer>;
  /** Rejects with MILLRACE_KAFKA_FAILED, not to be tried again: the same bytes would come. */
  readonly decompress: (packed: Buffer) => Promise<Buffer>;
}

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

/** `maxBytes` is the limit of one batch, unpacked. */
export function createCodec(name: Compression, maxBytes = mostUnpackedBytes): Codec {
  return {
    compress: ({ buffer }) => pack(name, buffer),
    async decompress(packed) {
      try {
        return await unpack(name, packed, maxBytes);
      } catch (cause) {
        // kafkajs keeps the message alone, so the reason stands in it.
        const why = describeError(cause);
        const error = new MillraceError('MILLRACE_KAFKA_FAILED', `a batch cannot be read: ${why}`);
        throw Object.assign(error, { retriable: false });
      }
    },
  };
}
