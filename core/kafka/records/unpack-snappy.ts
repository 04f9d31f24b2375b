// Snappy, raw as librdkafka writes it, or in the framing of the Java client.
import { tooLarge } from './unreadable-batch.ts';

/** The Java client's framing, snappy-java's: this, two versions of 4 bytes, then blocks, each after its length. */
const xerialMagic = Buffer.from('\x82SNAPPY\0', 'latin1');
const xerialHeaderBytes = xerialMagic.length + 8;

export async function unpackSnappy(packed: Buffer, maxBytes: number): Promise<Buffer> {
  const blocks = snappyBlocks(packed);
  const total = blocks.reduce((sum, block) => sum + snappyUnpackedBytes(block), 0);
  if (total > maxBytes) throw tooLarge();
  const { uncompress } = await import('snappy');
  const unpacked = await Promise.all(blocks.map((block) => uncompress(block)));
  return Buffer.concat(unpacked as Buffer[]);
}

/** Raw snappy is one block. */
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
