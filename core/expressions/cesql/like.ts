// LIKE (CESQL 1.0, section 3.4.3): a pattern split at its `%` into pieces, each looked for once, from left to right.
// A piece has a fixed number of characters, so its first place is never wrong: there is no way back.
import { indexAfter, indexBefore } from './characters.ts';
import { compileFind, type Find } from './find-characters.ts';

export type LikeMatcher = (text: string) => boolean;

/** A piece with `_` of so few characters is looked for faster by trying each place. */
const maxTriedLength = 8;

/** What stands between two `%`. */
interface Piece {
  /** Undefined stands for any one character: `_`. */
  readonly characters: readonly (string | undefined)[];
  /** The same, where there is no `_` in it. */
  readonly literal: string | undefined;
}

/**
 * Whether a text matches `pattern` as a whole: `%` is any characters, `_` one, `\%` and `\_` these themselves.
 */
export function compileLike(pattern: string): LikeMatcher {
  const { before, last } = split(pattern);
  const [first, ...between] = before;
  if (first === undefined) return (text) => matchAt(last, text, 0) === text.length;
  const finds = between.map(find);
  return (text) => {
    let at = matchAt(first, text, 0);
    for (const findNext of finds) {
      if (at === -1) return false;
      at = findNext(text, at);
    }
    return at !== -1 && endsWith(last, text, at);
  };
}

/** The pieces before each `%`, and the one after the last. */
function split(pattern: string): { readonly before: readonly Piece[]; readonly last: Piece } {
  const before: Piece[] = [];
  let characters: (string | undefined)[] = [];
  let isEscaped = false;
  for (const character of pattern) {
    if (isEscaped) {
      // Before anything but a wildcard, a backslash is a character like others.
      if (character === '%' || character === '_') characters.pop();
      isEscaped = character === '\\';
      characters.push(character);
    } else if (character === '%') {
      before.push(toPiece(characters));
      characters = [];
    } else {
      isEscaped = character === '\\';
      characters.push(character === '_' ? undefined : character);
    }
  }
  return { before, last: toPiece(characters) };
}

function toPiece(characters: readonly (string | undefined)[]): Piece {
  return { characters, literal: characters.includes(undefined) ? undefined : characters.join('') };
}

/** The index after `piece` at `at`; -1 where something else stands there. */
function matchAt(piece: Piece, text: string, at: number): number {
  if (piece.literal !== undefined) return text.startsWith(piece.literal, at) ? at + piece.literal.length : -1;
  let index = at;
  for (const character of piece.characters) {
    if (index >= text.length) return -1;
    if (character === undefined) index = indexAfter(text, index, 1);
    else if (text.startsWith(character, index)) index += character.length;
    else return -1;
  }
  return index;
}

function find(piece: Piece): Find {
  const { literal, characters } = piece;
  if (literal === undefined)
    return characters.length > maxTriedLength
      ? compileFind(characters)
      : (text, from) => tryAll(piece, text, from);
  return (text, from) => {
    const at = text.indexOf(literal, from);
    return at === -1 ? -1 : at + literal.length;
  };
}

function tryAll(piece: Piece, text: string, from: number): number {
  for (let at = from; at < text.length; at = indexAfter(text, at, 1)) {
    const end = matchAt(piece, text, at);
    if (end !== -1) return end;
  }
  return -1;
}

/** Whether `piece` is the end of the text, and starts at `from` or later. */
function endsWith(piece: Piece, text: string, from: number): boolean {
  if (piece.literal !== undefined)
    return text.length - piece.literal.length >= from && text.endsWith(piece.literal);
  const at = indexBefore(text, piece.characters.length);
  return at >= from && matchAt(piece, text, at) === text.length;
}
