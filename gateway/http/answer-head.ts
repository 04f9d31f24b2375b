// The head of an answer, from its lines: status, fields, how its body is framed, and whether the connection may be used again
// (RFC 9112, sections 4, 5, 6.3 and 9.3). Where bytes could be read in two ways they are an error, not a guess. Pure.
import { fieldName, fieldText } from './field-syntax.ts';

/** Names in lower case. A field that comes more than once has all its values, in order. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * How the body ends.
 * - `none`: there is no body.
 * - `length`: after `bytes` bytes.
 * - `chunked`: after the last chunk.
 * - `close`: where the function ends the connection.
 * - `unreadable`: nobody can say, because of `reason`. The head counts all the same.
 */
export type Framing =
  | { readonly kind: 'none' | 'chunked' | 'close' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'unreadable'; readonly reason: string };

export interface AnswerHead {
  /** 101, or 200 to 999. */
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly framing: Framing;
  /** False where the connection ends with this answer, or must not be trusted after it. */
  readonly isPersistent: boolean;
  /** How long the function keeps an idle connection, in ms, where it says so (`keep-alive: timeout=5`). */
  readonly idleMs: number | undefined;
}

/** An interim answer (1xx but 101), which another one follows. */
export type HeadResult = AnswerHead | 'interim' | { readonly malformed: string };

const statusLine = /^HTTP\/1\.(\d) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const digits = /^\d+$/;

/** Whether a head may begin with `line`. */
export function isStatusLine(line: string): boolean {
  return statusLine.test(line);
}

/** Reads the lines of a head, without their line ends, as Latin-1: the status line first, at least that one. */
export function readHead(lines: readonly string[]): HeadResult {
  const [first = '', ...rest] = lines;
  const match = statusLine.exec(first);
  if (match === null) return { malformed: `${quote(first)} is not a status line of HTTP/1.1` };
  const status = Number(match[2]);
  const fields = readFields(rest);
  if ('malformed' in fields) return fields;
  // 101 answers a request to change the protocol, which nobody made: it is final, and what follows it is not HTTP.
  if (status < 200 && status !== 101) return 'interim';
  return headOf(status, Number(match[1]), fields.headers);
}

function headOf(status: number, minorVersion: number, headers: AnswerHeaders): AnswerHead {
  const length = headers['content-length'];
  const coding = headers['transfer-encoding'];
  const options = listOf(headers.connection);
  const staysOpen = minorVersion === 0 ? options.includes('keep-alive') : true;
  const hasNoBody = status === 101 || status === 204 || status === 205 || status === 304;
  const framing: Framing = hasNoBody ? { kind: 'none' } : framingOf(length, coding, minorVersion);
  const isExact = hasNoBody
    ? coding === undefined && isExactWithoutBody(status, length)
    : framing.kind === 'length' || framing.kind === 'chunked';
  return {
    status,
    headers,
    framing,
    isPersistent: staysOpen && !options.includes('close') && isExact,
    idleMs: idleMsOf(headers['keep-alive']),
  };
}

/** Whether the next answer can be told from a body that should not be there, and may follow all the same. */
function isExactWithoutBody(status: number, length: AnswerHeaders[string]): boolean {
  if (status === 101) return false;
  // The length in a 304 is that of the content which it does not carry.
  if (status === 304) return true;
  // Without a length, a 205 ends with its connection: RFC 9112, section 6.3, excepts only 1xx, 204 and 304.
  return length === '0' || (length === undefined && status === 204);
}

/** RFC 9112, section 6.3. */
function framingOf(
  length: AnswerHeaders[string],
  coding: AnswerHeaders[string],
  minorVersion: number,
): Framing {
  if (coding !== undefined) {
    if (length !== undefined)
      return { kind: 'unreadable', reason: 'it has both content-length and transfer-encoding' };
    const codings = listOf(coding);
    if (minorVersion === 0 || codings.length !== 1 || codings[0] !== 'chunked')
      return {
        kind: 'unreadable',
        reason: `nobody asked for transfer-encoding ${quote(codings.join(', '))}`,
      };
    return { kind: 'chunked' };
  }
  if (length === undefined) return { kind: 'close' };
  const lengths = new Set(listOf(length));
  const [text = ''] = lengths;
  const bytes = Number(text);
  if (lengths.size !== 1 || !digits.test(text) || !Number.isSafeInteger(bytes))
    return { kind: 'unreadable', reason: `content-length is ${quote([...lengths].join(', '))}` };
  return { kind: 'length', bytes };
}

/** Returns what is wrong with the fields behind the last chunk. They mean nothing here, but what is not a field may belong to another answer. */
export function problemOfTrailers(lines: readonly string[]): string | undefined {
  const fields = readFields(lines);
  return 'malformed' in fields ? fields.malformed : undefined;
}

function readFields(
  lines: readonly string[],
): { readonly headers: AnswerHeaders } | { readonly malformed: string } {
  const fields: { readonly name: string; value: string }[] = [];
  for (const line of lines) {
    if (!fieldText.test(line)) return { malformed: `${quote(line)} has a control character` };
    if (isBlank(line, 0)) {
      // A folded line belongs to the one before (RFC 9112, section 5.2).
      const field = fields.at(-1);
      if (field === undefined) return { malformed: `${quote(line)} continues nothing` };
      field.value += ` ${trim(line)}`;
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0 || !fieldName.test(line.slice(0, colon)))
      return { malformed: `${quote(line)} is not a header` };
    fields.push({ name: line.slice(0, colon).toLowerCase(), value: line.slice(colon + 1) });
  }
  const headers = Object.create(null) as Record<string, string | string[] | undefined>;
  for (const { name, value } of fields) add(headers, name, textOf(trim(value)));
  return { headers };
}

function add(headers: Record<string, string | string[] | undefined>, name: string, value: string): void {
  const before = headers[name];
  if (before === undefined) headers[name] = value;
  else if (typeof before === 'string') headers[name] = [before, value];
  else before.push(value);
}

/** Bytes beyond ASCII are UTF-8 where they can be. */
function textOf(latin1: string): string {
  if (!/[\x80-\xff]/.test(latin1)) return latin1;
  const text = Buffer.from(latin1, 'latin1').toString('utf8');
  return text.includes('\ufffd') ? latin1 : text;
}

/** The members of a comma-separated list, in lower case. */
function listOf(value: AnswerHeaders[string]): string[] {
  if (value === undefined) return [];
  const text = typeof value === 'string' ? value : value.join(',');
  return text
    .split(',')
    .map((one) => trim(one).toLowerCase())
    .filter((one) => one !== '');
}

function idleMsOf(value: AnswerHeaders[string]): number | undefined {
  if (value === undefined) return undefined;
  const seconds = /(?:^|[,\s])timeout\s*=\s*"?(\d{1,9})/i.exec(String(value))?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

/** Without the spaces and tabs at both ends. `/[ \t]+$/` would be quadratic in a run of spaces that something follows. */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text, start)) start += 1;
  while (end > start && isBlank(text, end - 1)) end -= 1;
  return text.slice(start, end);
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
