// Zstandard (RFC 8878). node:zlib unpacks the first frame of its input and is silent about the rest, so frames are found here.
import { promisify } from 'node:util';
import { createZstdDecompress, zstdDecompress } from 'node:zlib';
import { largeBytes, outputOptions } from './output-options.ts';
import { tooLarge } from './unreadable-batch.ts';

const frameMagic = 0xfd2fb528;
/** Of 16 values that differ in their lowest bits. */
const skippableMagic = 0x184d2a50;
/** Clients write one frame a batch. Each costs far more than its bytes, of which nine are enough. */
const mostFrames = 1_000;

const decompress = promisify(zstdDecompress);

export async function unpackZstd(packed: Buffer, maxBytes: number): Promise<Buffer> {
  const frames = zstdFrames(packed);
  if (frames.length > 1 && maxBytes > largeBytes) return unpackIntoOne(frames, maxBytes);
  const unpacked: Buffer[] = [];
  let left = maxBytes;
  for (const frame of frames) {
    const bytes = await decompress(frame, outputOptions(left));
    left -= bytes.length;
    unpacked.push(bytes);
  }
  const [first] = unpacked;
  return first !== undefined && unpacked.length === 1 ? first : Buffer.concat(unpacked);
}

/** To join what many frames hold would take twice as much. */
async function unpackIntoOne(frames: readonly Buffer[], maxBytes: number): Promise<Buffer> {
  const whole = Buffer.allocUnsafeSlow(maxBytes);
  let size = 0;
  for (const frame of frames) {
    const stream = createZstdDecompress();
    stream.end(frame);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (size + chunk.length > maxBytes) throw tooLarge();
      size += chunk.copy(whole, size);
    }
  }
  return whole.subarray(0, size);
}

function zstdFrames(packed: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let from = 0; from < packed.length;) {
    const magic = packed.readUInt32LE(from);
    const isSkippable = (magic & 0xffff_fff0) === skippableMagic;
    if (magic !== frameMagic && !isSkippable) throw new Error('it is no Zstandard frame');
    const to = isSkippable ? from + 8 + packed.readUInt32LE(from + 4) : endOfFrame(packed, from);
    if (to > packed.length) throw new Error('its last frame is cut off');
    if (!isSkippable) frames.push(packed.subarray(from, to));
    if (frames.length > mostFrames) throw new Error(`it has more than ${mostFrames} frames`);
    from = to;
  }
  return frames;
}

/** The bytes of the field Frame_Content_Size and of Dictionary_ID, by their flags. */
const contentSizeBytes = Buffer.from([0, 2, 4, 8]);
const dictionaryBytes = Buffer.from([0, 1, 2, 4]);

function endOfFrame(packed: Buffer, from: number): number {
  const descriptor = packed.readUInt8(from + 4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  // A single segment has no window, and always tells its size.
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : contentSizeBytes.readUInt8(sizeFlag);
  let at = from + 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes.readUInt8(descriptor & 3) + sizeBytes;
  for (let isLast = false; !isLast;) {
    const block = packed.readUIntLE(at, 3);
    isLast = (block & 1) === 1;
    const isRepeatedByte = ((block >> 1) & 3) === 1;
    at += 3 + (isRepeatedByte ? 1 : block >> 3);
  }
  return at + (descriptor & 0x04 ? 4 : 0);
}
