// A cache of bytes → text for values that repeat (types, sources, names): comparing bytes is several times cheaper than decoding them.
import { textOf } from './attributes.ts';

interface Slot {
  readonly bytes: Buffer;
  readonly text: string;
}

const slotCount = 128;
const slotsPerText = 4;
const maxLength = 64;

/**
 * `textOf` of the bytes from `start` to before `end`, with a cache of 128 short texts. The bytes of a text choose four slots that it may
 * be in, and a new text replaces the one in one of them. Memory is bounded. A hit compares all bytes.
 */
export function createTextCache(): (bytes: Buffer, start: number, end: number) => string | undefined {
  const slots: (Slot | undefined)[] = new Array<Slot | undefined>(slotCount).fill(undefined);
  let turn = 0;
  return (bytes, start, end) => {
    const length = end - start;
    if (length === 0 || length > maxLength) return textOf(bytes, start, end);
    const middle = Number(bytes[start + (length >> 1)]);
    const mixed = length * 7 + Number(bytes[start]) + middle * 13 + Number(bytes[end - 1]) * 31;
    for (let index = mixed; index < mixed + slotsPerText; index += 1) {
      const slot = slots[index % slotCount];
      if (slot !== undefined && isSame(slot.bytes, bytes, start, length)) return slot.text;
    }
    const text = textOf(bytes, start, end);
    if (text === undefined) return undefined;
    turn = (turn + 1) % slotsPerText;
    slots[(mixed + turn) % slotCount] = { bytes: Buffer.from(bytes.subarray(start, end)), text };
    return text;
  };
}

function isSame(known: Buffer, bytes: Buffer, start: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let at = 0; at < length; at += 1) if (known[at] !== bytes[start + at]) return false;
  return true;
}
