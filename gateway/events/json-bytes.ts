// Scans JSON (RFC 8259) as bytes, without parsing it: whether it is valid, and where the members of an object are. Data goes from one
// envelope to the other as the same bytes, so that no number loses a digit.
import { isUtf8 } from 'node:buffer';

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const literals: ReadonlyMap<number, Buffer> = new Map([
  [0x74, Buffer.from('true')],
  [0x66, Buffer.from('false')],
  [0x6e, Buffer.from('null')],
]);

// The closing bytes of the open containers. The buffer is kept between calls, because scanning never yields, and it only grows.
let closers = new Uint8Array(64);

/** True where `bytes` are one JSON text in UTF-8, as `JSON.parse` would take it. */
export function isJson(bytes: Buffer): boolean {
  const end = endOfValue(bytes, skipSpace(bytes, 0));
  return end !== -1 && skipSpace(bytes, end) === bytes.length && isUtf8(bytes);
}

/**
 * Where the members of the JSON object in `bytes` are, in their order. Each has four indexes: start and end of its name (quotes
 * included), start and end of its value. Undefined where `bytes` are not a JSON object in UTF-8.
 */
export function membersOf(bytes: Buffer): number[] | undefined {
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== openBrace || !isUtf8(bytes)) return undefined;
  const members: number[] = [];
  at = skipSpace(bytes, at + 1);
  if (bytes[at] !== closeBrace) {
    for (;;) {
      if (bytes[at] !== quote) return undefined;
      const nameEnd = endOfString(bytes, at);
      const start = afterColon(bytes, nameEnd);
      const end = start === -1 ? -1 : endOfValue(bytes, start);
      if (end === -1) return undefined;
      members.push(at, nameEnd, start, end);
      at = skipSpace(bytes, end);
      if (bytes[at] === closeBrace) break;
      if (bytes[at] !== comma) return undefined;
      at = skipSpace(bytes, at + 1);
    }
  }
  return skipSpace(bytes, at + 1) === bytes.length ? members : undefined;
}

/** The text of the JSON string from `start` (its opening quote) to before `end`. */
export function stringAt(bytes: Buffer, start: number, end: number): string {
  const inner = bytes.toString('utf8', start + 1, end - 1);
  return inner.includes('\\') ? (JSON.parse(`"${inner}"`) as string) : inner;
}

/** The index past the value that starts at `at`, or -1 where none does. It is iterative: nesting costs one byte per level, not stack. */
function endOfValue(bytes: Buffer, at: number): number {
  let depth = 0;
  for (;;) {
    const byte = bytes[at] ?? 0;
    if (byte === openBrace || byte === openBracket) {
      const closer = byte === openBrace ? closeBrace : closeBracket;
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== closer) {
        push(depth, closer);
        depth += 1;
        if (closer === closeBrace && (at = afterName(bytes, at)) === -1) return -1;
        continue;
      }
      at += 1;
    } else if ((at = endOfScalar(bytes, at, byte)) === -1) {
      return -1;
    }
    for (;;) {
      if (depth === 0) return at;
      at = skipSpace(bytes, at);
      const closer = Number(closers[depth - 1]);
      if (bytes[at] === comma) {
        at = skipSpace(bytes, at + 1);
        if (closer === closeBrace && (at = afterName(bytes, at)) === -1) return -1;
        break;
      }
      if (bytes[at] !== closer) return -1;
      depth -= 1;
      at += 1;
    }
  }
}

function push(depth: number, closer: number): void {
  if (depth === closers.length) {
    const wider = new Uint8Array(depth * 2);
    wider.set(closers);
    closers = wider;
  }
  closers[depth] = closer;
}

/** The index of the value after the member name at `at`, or -1 where there is no name and colon. */
function afterName(bytes: Buffer, at: number): number {
  return bytes[at] === quote ? afterColon(bytes, endOfString(bytes, at)) : -1;
}

/** The index of the value after the colon that follows a name which ends at `nameEnd` (-1: no name), or -1. */
function afterColon(bytes: Buffer, nameEnd: number): number {
  if (nameEnd === -1) return -1;
  const sign = skipSpace(bytes, nameEnd);
  return bytes[sign] === colon ? skipSpace(bytes, sign + 1) : -1;
}

function endOfScalar(bytes: Buffer, at: number, first: number): number {
  if (first === quote) return endOfString(bytes, at);
  const literal = literals.get(first);
  if (literal === undefined) return endOfNumber(bytes, at);
  for (let index = 1; index < literal.length; index += 1) {
    if (bytes[at + index] !== literal[index]) return -1;
  }
  return at + literal.length;
}

function endOfString(bytes: Buffer, at: number): number {
  let index = at + 1;
  for (;;) {
    const byte = bytes[index] ?? 0;
    if (byte === quote) return index + 1;
    if (byte < 0x20) return -1;
    if (byte === backslash) {
      const escaped = bytes[index + 1] ?? 0;
      if (escaped === 0x75) {
        for (let digit = index + 2; digit < index + 6; digit += 1) if (!isHex(bytes[digit] ?? 0)) return -1;
        index += 5;
      } else if (isEscape(escaped)) {
        index += 1;
      } else {
        return -1;
      }
    }
    index += 1;
  }
}

function isHex(byte: number): boolean {
  return isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}

/** One of `" \ / b f n r t`. */
function isEscape(byte: number): boolean {
  switch (byte) {
    case 0x22:
    case 0x5c:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return true;
    default:
      return false;
  }
}

function endOfNumber(bytes: Buffer, at: number): number {
  let index = bytes[at] === 0x2d ? at + 1 : at;
  if (bytes[index] === 0x30) index += 1;
  else if ((index = endOfDigits(bytes, index)) === -1) return -1;
  if (bytes[index] === 0x2e && (index = endOfDigits(bytes, index + 1)) === -1) return -1;
  if (bytes[index] === 0x65 || bytes[index] === 0x45) {
    const signed = bytes[index + 1] === 0x2b || bytes[index + 1] === 0x2d;
    index = endOfDigits(bytes, signed ? index + 2 : index + 1);
  }
  return index;
}

/** The index past the digits at `at`, or -1 where there is none. */
function endOfDigits(bytes: Buffer, at: number): number {
  let index = at;
  while (isDigit(bytes[index] ?? 0)) index += 1;
  return index === at ? -1 : index;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function skipSpace(bytes: Buffer, at: number): number {
  let index = at;
  for (;;) {
    const byte = bytes[index] ?? 0;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return index;
    index += 1;
  }
}
