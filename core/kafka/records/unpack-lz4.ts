// LZ4 in its frame format (lz4_Frame_format.md), as all clients write it since Kafka 0.10.
import { tooLarge } from './unreadable-batch.ts';

const frameMagic = 0x184d2204;

/** Of the first frame, as Java's client: what stands after it is not read. */
export async function unpackLz4(packed: Buffer, maxBytes: number): Promise<Buffer> {
  if (lz4MostBytes(packed) > maxBytes) throw tooLarge();
  const { decompressFrame } = await import('lz4-napi');
  return decompressFrame(packed);
}

/**
 * At most so many bytes come out of a frame, by its blocks: each has no more than the frame's block size, and LZ4 packs no more
 * than 255 bytes into one. Exact to one block where blocks are full, as Kafka's clients write them. Throws where the frame does
 * not end, which the library would take for less data.
 */
function lz4MostBytes(frame: Buffer): number {
  if (frame.readUInt32LE(0) !== frameMagic) throw new Error('it is no LZ4 frame');
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
