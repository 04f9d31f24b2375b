// Bytes → text for what comes again and again (types, sources, names): comparing is several times cheaper
// than decoding.
import { textOf } from './attributes.ts';

interface Slot {
  readonly bytes: Buffer;
  readonly text: string;
}

const slotCount = 128;
const slotsPerText = 4;
const maxLength = 64;

/**
 * `textOf` of the bytes from `start` to before `end`, with a memory of 128 short texts, each in one of the
 * four slots that its bytes choose; what is new takes one of them over. Memory is bounded, and what is found
 * is compared whole.
 */
export function createKnownTexts(): (bytes: Buffer, start: number, end: number) => string | undefined {
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
