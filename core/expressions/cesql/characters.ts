// Strings as sequences of Unicode characters, which CESQL counts (section 3.1), over the UTF-16 units of the language.

/** The index after `count` characters from `from`: the end of the text where it has fewer. */
export function indexAfter(text: string, from: number, count: number): number {
  let index = from;
  for (let left = count; left > 0 && index < text.length; left -= 1) index += isPair(text, index) ? 2 : 1;
  return index;
}

/** The index of the last `count` characters: the start of the text where it has fewer. */
export function indexBefore(text: string, count: number): number {
  let index = text.length;
  for (let left = count; left > 0 && index > 0; left -= 1) index -= isPair(text, index - 2) ? 2 : 1;
  return index;
}

export function countCharacters(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += isPair(text, index) ? 2 : 1) count += 1;
  return count;
}

/** Two surrogates that are one character. False where `index` is outside of the text. */
function isPair(text: string, index: number): boolean {
  return (
    isBetween(text.charCodeAt(index), 0xd800, 0xdbff) && isBetween(text.charCodeAt(index + 1), 0xdc00, 0xdfff)
  );
}

function isBetween(unit: number, first: number, last: number): boolean {
  return unit >= first && unit <= last;
}

const whiteSpace = /^\p{White_Space}$/u;

/** Without the white space of Unicode around it, which is not quite what the language trims (U+0085, U+FEFF). */
export function trimWhiteSpace(text: string): string {
  // One character at a time: a pattern for the end would try anew at each space within.
  let start = 0;
  let end = text.length;
  while (start < end && whiteSpace.test(text.charAt(start))) start += 1;
  while (end > start && whiteSpace.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}
