// LIKE (CESQL 1.0, section 3.4.3). A pattern is split at its `%` into pieces, and each piece is searched for once, from left to right. A piece
// has a fixed number of characters, so its first occurrence is always right, and no backtracking is needed.
import { indexAfter, indexBefore } from './characters.ts';
import { compileFind, type Find } from './find-characters.ts';

export type LikeMatcher = (text: string) => boolean;

/** A piece with `_` of at most so many characters is found faster by trying each position. */
const maxTriedLength = 8;

/** The part of a pattern between two `%`. */
interface Piece {
  /** Undefined stands for any one character: `_`. */
  readonly characters: readonly (string | undefined)[];
  /** The same as a string, if it has no `_`. */
  readonly literal: string | undefined;
}

/** Whether a whole text matches `pattern`: `%` stands for any characters, `_` for one, `\%` and `\_` for themselves. */
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
      // A backslash that is not before a wildcard is an ordinary character.
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

/** The index after `piece` at `at`; -1 if it does not match there. */
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
