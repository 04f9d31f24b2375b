// The words, strings and symbols of an expression (CESQL 1.0, section 2).
import { indexAfter } from './characters.ts';
import type { CesqlError } from './cesql-outcome.ts';

export interface Token {
  /** A `word` is a keyword, a name or digits. `end` stands for the end of the text. */
  readonly kind: 'word' | 'string' | 'symbol' | 'end';
  /** Words in upper case, because case does not matter in words; strings without their quotes, and with quotes unescaped. */
  readonly text: string;
  /** Where it starts, in UTF-16 units from 0. */
  readonly at: number;
}

export type Tokens =
  | { readonly kind: 'tokens'; readonly tokens: readonly Token[] }
  | { readonly kind: 'invalid'; readonly error: CesqlError };

// A backslash also consumes the next character, so that an escaped quote does not end the string.
const tokenPattern =
  /[ \t\r\n]+|([A-Za-z0-9_]+)|(<=|>=|<>|!=|[-+*/%=<>(),])|('(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*")/y;

export function tokenize(source: string): Tokens {
  const tokens: Token[] = [];
  const pattern = new RegExp(tokenPattern);
  let at = 0;
  while (at < source.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match === null)
      return { kind: 'invalid', error: { code: 'parse', message: complaint(source, at), at } };
    const [all, word, symbol, string] = match;
    if (word !== undefined) tokens.push({ kind: 'word', text: word.toUpperCase(), at });
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol, at });
    else if (string !== undefined) tokens.push({ kind: 'string', text: unescape(string), at });
    at += all.length;
  }
  return { kind: 'tokens', tokens };
}

/** The text between the quotes. Backslashes stay, except before a quote, because LIKE reads them. */
function unescape(string: string): string {
  const quote = string.charAt(0);
  return string.slice(1, -1).replaceAll(`\\${quote}`, quote);
}

function complaint(source: string, at: number): string {
  const character = source.slice(at, indexAfter(source, at, 1));
  if (character === "'" || character === '"') return `the string that starts with ${character} has no end`;
  return `${character} is not allowed outside of strings`;
}
