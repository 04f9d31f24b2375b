// Searches for a sequence of characters with wildcards, in time that does not depend on partial matches.
// Shift-And (Baeza-Yates and Gonnet, 1992): bit n of the state says whether the characters read last are the first n + 1.

/** The index after the first occurrence at `from` or later; -1 if there is none. */
export type Find = (text: string, from: number) => number;

/** A fixed number of 32-bit words. A step takes one operation for each word. */
type Bits = DataView<ArrayBuffer>;

/** `characters` has at least one element; undefined stands for any character. */
export function compileFind(characters: readonly (string | undefined)[]): Find {
  const size = Math.ceil(characters.length / 32) * 4;
  const anyAt = newBits(size);
  characters.forEach((character, position) => {
    if (character === undefined) setBit(anyAt, position);
  });
  const charactersAt = new Map<string, Bits>();
  characters.forEach((character, position) => {
    if (character === undefined) return;
    const at = charactersAt.get(character) ?? new DataView(anyAt.buffer.slice());
    setBit(at, position);
    charactersAt.set(character, at);
  });
  const lastBit = 1 << (characters.length - 1);
  return (text, from) => {
    const state = newBits(size);
    let index = from;
    for (const character of text.slice(from)) {
      index += character.length;
      advance(state, charactersAt.get(character) ?? anyAt);
      if ((state.getInt32(size - 4) & lastBit) !== 0) return index;
    }
    return -1;
  };
}

function advance(state: Bits, allowed: Bits): void {
  let carry = 1;
  for (let at = 0; at < state.byteLength; at += 4) {
    const word = state.getInt32(at);
    state.setInt32(at, ((word << 1) | carry) & allowed.getInt32(at));
    carry = word >>> 31;
  }
}

function newBits(size: number): Bits {
  return new DataView(new ArrayBuffer(size));
}

function setBit(bits: Bits, position: number): void {
  const at = Math.floor(position / 32) * 4;
  bits.setInt32(at, bits.getInt32(at) | (1 << position));
}
