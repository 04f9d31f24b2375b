// CESQL counts Unicode characters (section 3.1), while strings of JavaScript are UTF-16 units: this module converts between them.

/** The index after `count` characters from `from`: the end of the text if it has fewer. */
export function indexAfter(text: string, from: number, count: number): number {
  let index = from;
  for (let left = count; left > 0 && index < text.length; left -= 1) index += isPair(text, index) ? 2 : 1;
  return index;
}

/** The index at which the last `count` characters start: the start of the text if it has fewer. */
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

/** Whether two surrogates that are one character start at `index`. False if `index` is outside of the text. */
function isPair(text: string, index: number): boolean {
  return (
    isBetween(text.charCodeAt(index), 0xd800, 0xdbff) && isBetween(text.charCodeAt(index + 1), 0xdc00, 0xdfff)
  );
}

function isBetween(unit: number, first: number, last: number): boolean {
  return unit >= first && unit <= last;
}

const whiteSpace = /^\p{White_Space}$/u;

/** Trims the white space of Unicode, which is not exactly what `String.trim` trims (U+0085, U+FEFF). */
export function trimWhiteSpace(text: string): string {
  // One character at a time: a regular expression for the end would be tried again at each space inside the text.
  let start = 0;
  let end = text.length;
  while (start < end && whiteSpace.test(text.charAt(start))) start += 1;
  while (end > start && whiteSpace.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}
