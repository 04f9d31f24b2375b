// Reads one answer from the bytes of a connection, in whatever pieces they come (RFC 9112). Everything that a peer can make long has a limit,
// and the cost is linear in the bytes. Pure.
//
//   start ──► head ──► body: none | length | chunks ──► trailers | until close ──► whole
//     ▲        │ 1xx
//     └────────┘
import { isStatusLine, problemOfTrailers, readHead, type AnswerHead } from './answer-head.ts';

/** What the parser reports while it reads. */
export interface AnswerSink {
  /** Once, before the body. */
  onHead(head: AnswerHead): void;
  /** The bytes are those of the input: whoever keeps them copies them. */
  onBody(bytes: Buffer): void;
}

/**
 * - `open`: the answer goes on.
 * - `whole`: it has ended; `isReusable` says whether the connection may carry another one.
 * - `malformed`: nobody can tell where it ends. What was reported of it stands.
 */
export type Progress = 'open' | 'whole' | { readonly malformed: string };

/** Most bytes of the head of an answer, of its trailers, and of the line before a chunk; most interim answers before it. */
export const limits = { headBytes: 65_536, chunkLineBytes: 1_024, interims: 16 } as const;

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const chunkLine = /^([0-9a-fA-F]{1,13})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;

type State =
  'head' | 'length' | 'close' | 'chunk line' | 'chunk' | 'chunk end' | 'trailers' | 'whole' | 'broken';

export class AnswerParser {
  readonly #sink: AnswerSink;
  #state: State = 'head';
  #head: AnswerHead | undefined;
  /** Lines of the head or of the trailers so far, and how many bytes they have. */
  #lines: string[] = [];
  #lineBytes = 0;
  /** The beginning of a line whose end has not come. */
  #partial = '';
  #interims = 0;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;
  #hasSurplus = false;
  /** The last head that came in one piece: functions send the same again and again. */
  #known: { readonly bytes: Buffer; readonly head: AnswerHead } | undefined;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** True once a byte of the answer has come. */
  get hasBegun(): boolean {
    return this.#state !== 'head' || this.#lineBytes > 0 || this.#partial !== '' || this.#interims > 0;
  }

  /** True where the answer is whole, and the connection may carry another one. */
  get isReusable(): boolean {
    return this.#state === 'whole' && this.#head?.isPersistent === true && !this.#hasSurplus;
  }

  get head(): AnswerHead | undefined {
    return this.#head;
  }

  /** Begins with the next answer. */
  reset(): void {
    this.#state = 'head';
    this.#head = undefined;
    this.#lines = [];
    this.#lineBytes = 0;
    this.#partial = '';
    this.#interims = 0;
    this.#left = 0;
    this.#hasSurplus = false;
  }

  /** Reads `bytes`, which follow those of the last call. */
  read(bytes: Buffer): Progress {
    const isFirst = !this.hasBegun;
    let at = isFirst ? this.#readKnown(bytes) : 0;
    while (at < bytes.length) {
      const isInHead = this.#head === undefined;
      const next = this.#step(bytes, at);
      if (typeof next !== 'number') {
        this.#state = 'broken';
        return next;
      }
      if (isInHead && isFirst) this.#remember(bytes, next);
      if (this.#state === 'whole') {
        this.#hasSurplus = next < bytes.length;
        return 'whole';
      }
      at = next;
    }
    return this.#state === 'whole' ? 'whole' : 'open';
  }

  /** The connection has ended, in order. `open` means that the answer is cut. */
  end(): Progress {
    if (this.#state === 'close') this.#state = 'whole';
    return this.#state === 'whole' ? 'whole' : 'open';
  }

  /** Takes a head that begins like the last one in one comparison. Returns how many bytes it took. */
  #readKnown(bytes: Buffer): number {
    const known = this.#known;
    if (known === undefined || bytes.length < known.bytes.length) return 0;
    const { length } = known.bytes;
    if (known.bytes.compare(bytes, 0, length) !== 0) return 0;
    this.#begin(known.head);
    if (this.#state === 'whole') this.#hasSurplus = length < bytes.length;
    return this.#state === 'whole' ? bytes.length : length;
  }

  /** The head has ended at `end`, unless it goes on. */
  #remember(bytes: Buffer, end: number): void {
    const head = this.#head;
    if (head !== undefined && this.#interims === 0)
      this.#known = { bytes: Buffer.from(bytes.subarray(0, end)), head };
  }

  /** Reads the next part of `bytes` from `at` on. Returns where it ends. */
  #step(bytes: Buffer, at: number): number | { readonly malformed: string } {
    switch (this.#state) {
      case 'head':
      case 'trailers':
      case 'chunk line':
      case 'chunk end':
        return this.#readLine(bytes, at);
      case 'length':
      case 'chunk':
        return this.#readBody(bytes, at);
      case 'close':
        this.#sink.onBody(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
      case 'whole':
      case 'broken':
        return { malformed: 'bytes follow an answer that has ended' };
    }
  }

  #readBody(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.#sink.onBody(bytes.subarray(at, end));
    if (this.#left === 0) this.#state = this.#state === 'length' ? 'whole' : 'chunk end';
    return end;
  }

  #readLine(bytes: Buffer, at: number): number | { readonly malformed: string } {
    const end = bytes.indexOf(lineFeed, at);
    const upTo = end === -1 ? bytes.length : end;
    const size = this.#partial.length + upTo - at + 1;
    const isHead = this.#state === 'head' || this.#state === 'trailers';
    if (isHead && this.#lineBytes + size > limits.headBytes)
      return {
        malformed: `its ${this.#state === 'head' ? 'head is' : 'trailers are'} larger than ${limits.headBytes} bytes`,
      };
    if (!isHead && size > limits.chunkLineBytes)
      return { malformed: `the line before a chunk is longer than ${limits.chunkLineBytes} bytes` };
    const text = this.#partial + bytes.toString('latin1', at, upTo);
    if (end === -1) {
      this.#partial = text;
      return upTo;
    }
    if (text.charCodeAt(text.length - 1) !== carriageReturn)
      return { malformed: 'a line ends without a carriage return' };
    this.#partial = '';
    this.#lineBytes += size;
    const problem = this.#takeLine(text.slice(0, -1));
    if (problem !== undefined) return { malformed: problem };
    return end + 1;
  }

  /** Returns what is wrong with the line. */
  #takeLine(line: string): string | undefined {
    switch (this.#state) {
      case 'chunk line':
        return this.#beginChunk(line);
      case 'chunk end':
        if (line !== '') return 'a chunk is longer than it says';
        this.#state = 'chunk line';
        return undefined;
      default:
        if (line !== '') this.#lines.push(line);
        if (this.#state === 'trailers') return line === '' ? this.#endTrailers() : undefined;
        // Who does not speak HTTP may never send the end of a head.
        return line === '' || (this.#lines.length === 1 && !isStatusLine(line)) ? this.#endHead() : undefined;
    }
  }

  #beginChunk(line: string): string | undefined {
    const size = chunkLine.exec(line)?.[1];
    if (size === undefined) return `${JSON.stringify(line.slice(0, 80))} is not the size of a chunk`;
    this.#left = Number.parseInt(size, 16);
    this.#lineBytes = 0;
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    return undefined;
  }

  #endTrailers(): string | undefined {
    const problem = problemOfTrailers(this.#lines);
    this.#lines = [];
    if (problem === undefined) this.#state = 'whole';
    return problem;
  }

  #endHead(): string | undefined {
    const head = readHead(this.#lines);
    this.#lines = [];
    this.#lineBytes = 0;
    if (head === 'interim') {
      this.#interims += 1;
      return this.#interims > limits.interims ? `more than ${limits.interims} interim answers` : undefined;
    }
    return 'malformed' in head ? head.malformed : this.#begin(head);
  }

  #begin(head: AnswerHead): string | undefined {
    const { framing } = head;
    this.#head = head;
    this.#sink.onHead(head);
    switch (framing.kind) {
      case 'none':
        this.#state = 'whole';
        return undefined;
      case 'length':
        this.#left = framing.bytes;
        this.#state = framing.bytes === 0 ? 'whole' : 'length';
        return undefined;
      case 'chunked':
        this.#state = 'chunk line';
        return undefined;
      case 'close':
        this.#state = 'close';
        return undefined;
      case 'unreadable':
        return framing.reason;
    }
  }
}
