// A progress mark: what a group knows of one partition beyond its committed offset, encoded as text for the commit's metadata. Decoding
// never reports more as settled than was written: damaged, foreign or newer metadata counts as an empty mark.
//
//   mr1. base64url( kind  partitions + 1  end − committed  open set  attempts  checksum )
//
//   numbers    LEB128, at most 63 bits; partitions + 1 is 0 if the number of partitions is unknown
//   open set   kind 0: their number, then the gap before each · kind 1: a bitmap from the committed offset, 1 where open
//   attempts   the gap before the offset, then its number of attempts; repeated until the checksum
//   checksum   CRC-32 of the committed offset and all of the above: a mark beside another offset is invalid
import { crc32 } from 'node:zlib';

/** What a group knows of one partition beyond its committed offset. */
export interface ProgressMark {
  /** Ascending offsets from the committed one on that are not settled, among those below `end`. The first may be the committed one. */
  readonly open: readonly bigint[];
  /**
   * One past the highest offset that is known to be settled. If it is not above the committed offset, nothing beyond that is settled.
   * Every offset from the committed one to `end` that is not `open` is settled, or never was a record.
   */
  readonly end: bigint;
  /**
   * Open offset → attempts made, at least one. An offset may lie at or above `end`: for example that of the first record, which is being
   * retried while nothing behind it is settled. As many as fit, the lowest offsets first.
   */
  readonly attempts: ReadonlyMap<bigint, number>;
  /**
   * How many partitions the topic had when the group started to read it. A partition with a higher number and without an offset was added
   * later. Undefined if that is unknown.
   */
  readonly partitions: number | undefined;
}

/** Kafka's default of `offset.metadata.max.bytes`: the most metadata of a commit, for each partition. Longer metadata is not a mark. */
export const maxMarkBytes = 4096;
/** With less, even the number of partitions might not fit. */
export const minMarkBytes = 64;

const prefix = 'mr1.';
const checksumBytes = 4;
const kinds = { list: 0, bitmap: 1 } as const;
const maxOffset = 2n ** 63n - 1n;
const maxPartitions = 2 ** 31 - 1;

/**
 * The bytes that are left for the open set and the attempts, in the worst case of what precedes them: kind, partitions, end, and the number
 * of open offsets in a list.
 */
export function markRoom(maxBytes: number): number {
  return payloadBytes(maxBytes) - 1 - varintBytes(maxPartitions + 1) - 9 - 2;
}

/**
 * ASCII text of at most `maxBytes` (64 to `maxMarkBytes`); empty for an empty mark. If not everything fits, the attempts of the highest
 * offsets are dropped first. Then `end` is lowered until the open set fits: records that are forgotten as settled are only sent again.
 */
export function encodeMark(committed: bigint, mark: ProgressMark, maxBytes = maxMarkBytes): string {
  if (maxBytes < minMarkBytes || maxBytes > maxMarkBytes)
    throw new RangeError(`a mark has ${minMarkBytes} to ${maxMarkBytes} bytes, not ${maxBytes}`);
  const end = mark.end > committed ? mark.end : committed;
  const attempts = [...mark.attempts].filter(([offset, made]) => offset >= committed && made > 0);
  if (end === committed && attempts.length === 0 && mark.partitions === undefined) return '';
  const writer = new Writer(payloadBytes(maxBytes));
  const partitions = BigInt((mark.partitions ?? -1) + 1);
  const free = writer.free - 1 - bigVarintBytes(partitions) - bigVarintBytes(end - committed);
  const set = chooseOpenSet(committed, mark.open, end, free);
  writer.byte(kinds[set.kind]);
  writer.varint(partitions);
  writer.varint(set.end - committed);
  if (set.kind === 'list') writeList(writer, committed, mark.open, set.count);
  else writeBitmap(writer, committed, mark.open, set);
  writeAttempts(writer, committed, attempts);
  return prefix + writer.close(committed);
}

/** The mark in `metadata`, which was committed with the offset `committed`; an empty mark if it has none. Never throws. */
export function decodeMark(committed: bigint, metadata: string): ProgressMark {
  return (
    readMark(committed, metadata) ?? { open: [], end: committed, attempts: new Map(), partitions: undefined }
  );
}

/** How many offsets beyond `committed` are settled, or never were a record. The backlog is smaller by this number. */
export function settledBeyond(committed: bigint, { open, end }: ProgressMark): bigint {
  const settled = end - committed - BigInt(open.length);
  return settled > 0n ? settled : 0n;
}

/** The length of a LEB128 number. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest /= 128) bytes += 1;
  return bytes;
}

function bigVarintBytes(value: bigint): number {
  if (value <= Number.MAX_SAFE_INTEGER) return varintBytes(Number(value));
  return value < 2n ** 56n ? 8 : 9;
}

/** Four characters of base64 carry three bytes. */
function payloadBytes(maxBytes: number): number {
  return Math.floor(((maxBytes - prefix.length) * 3) / 4) - checksumBytes;
}

interface OpenSet {
  readonly kind: keyof typeof kinds;
  readonly bytes: number;
  /** How many of the open offsets lie below `end`. */
  readonly count: number;
  readonly end: bigint;
}

/** The encoding that reaches the higher `end` in `free` bytes; if both reach the same, the smaller one. */
function chooseOpenSet(committed: bigint, open: readonly bigint[], end: bigint, free: number): OpenSet {
  const list = fitList(committed, open, end, free);
  const bitmap = fitBitmap(committed, open, end, free);
  const isList = list.end === bitmap.end ? list.bytes <= bitmap.bytes : list.end > bitmap.end;
  const best = isList ? list : bitmap;
  if (best.end === end) return best;
  let { count, end: cut } = best;
  while (count > 0 && open[count - 1] === cut - 1n) {
    count -= 1;
    cut -= 1n;
  }
  return { ...best, count, end: cut };
}

function fitList(committed: bigint, open: readonly bigint[], end: bigint, free: number): OpenSet {
  let bytes = 0;
  let count = 0;
  let next = committed;
  for (const offset of open) {
    const more = bigVarintBytes(offset - next);
    if (varintBytes(count + 1) + bytes + more > free)
      return { kind: 'list', bytes: varintBytes(count) + bytes, count, end: offset };
    bytes += more;
    count += 1;
    next = offset + 1n;
  }
  return { kind: 'list', bytes: varintBytes(count) + bytes, count, end };
}

function fitBitmap(committed: bigint, open: readonly bigint[], end: bigint, free: number): OpenSet {
  const reach = committed + BigInt(free * 8);
  if (end <= reach) return { kind: 'bitmap', bytes: bitmapBytes(end - committed), count: open.length, end };
  const next = open.findIndex((offset) => offset >= reach);
  return { kind: 'bitmap', bytes: free, count: next === -1 ? open.length : next, end: reach };
}

/** The size of a bitmap over so many offsets. */
function bitmapBytes(offsets: bigint): number {
  return Number((offsets + 7n) / 8n);
}

function writeList(writer: Writer, committed: bigint, open: readonly bigint[], count: number): void {
  writer.varint(BigInt(count));
  let next = committed;
  for (const offset of open.slice(0, count)) {
    writer.varint(offset - next);
    next = offset + 1n;
  }
}

function writeBitmap(
  writer: Writer,
  committed: bigint,
  open: readonly bigint[],
  { count, end }: OpenSet,
): void {
  const bits = new Uint8Array(bitmapBytes(end - committed));
  for (const offset of open.slice(0, count)) {
    const bit = Number(offset - committed);
    bits[bit >>> 3] = (bits[bit >>> 3] as number) | (1 << (bit & 7));
  }
  for (const byte of bits) writer.byte(byte);
}

function writeAttempts(writer: Writer, committed: bigint, attempts: [bigint, number][]): void {
  attempts.sort(([a], [b]) => (a < b ? -1 : 1));
  let next = committed;
  for (const [offset, made] of attempts) {
    if (bigVarintBytes(offset - next) + varintBytes(made) > writer.free) return;
    writer.varint(offset - next);
    writer.varint(BigInt(made));
    next = offset + 1n;
  }
}

function readMark(committed: bigint, metadata: string): ProgressMark | undefined {
  if (!metadata.startsWith(prefix) || metadata.length > maxMarkBytes) return undefined;
  const text = metadata.slice(prefix.length);
  const bytes = Buffer.from(text, 'base64url');
  const length = bytes.length - checksumBytes;
  // Node decodes base64 leniently. Only the exact text that `encodeMark` would write is valid.
  if (length < 0 || bytes.toString('base64url') !== text) return undefined;
  const payload = bytes.subarray(0, length);
  if (bytes.readUInt32BE(length) !== checksumOf(committed, payload)) return undefined;
  const reader = new Reader(payload);
  const kind = reader.byte();
  const partitions = Number(reader.varint()) - 1;
  const end = committed + reader.varint();
  if (partitions > maxPartitions || end > maxOffset) return undefined;
  const open = readOpenSet(reader, kind, committed, end);
  const attempts = readAttempts(reader, committed);
  if (open === undefined || attempts === undefined || reader.isBroken) return undefined;
  return { open, end, attempts, partitions: partitions < 0 ? undefined : partitions };
}

function readOpenSet(reader: Reader, kind: number, committed: bigint, end: bigint): bigint[] | undefined {
  if (kind === kinds.list) return readList(reader, committed, end);
  if (kind === kinds.bitmap) return readBitmap(reader, committed, end);
  return undefined;
}

function readList(reader: Reader, committed: bigint, end: bigint): bigint[] | undefined {
  const open: bigint[] = [];
  let next = committed;
  for (let left = reader.varint(); left > 0n && !reader.isBroken; left -= 1n) {
    const offset = next + reader.varint();
    if (offset >= end) return undefined;
    open.push(offset);
    next = offset + 1n;
  }
  return open;
}

function readBitmap(reader: Reader, committed: bigint, end: bigint): bigint[] | undefined {
  const open: bigint[] = [];
  for (let from = committed; from < end && !reader.isBroken; from += 8n) {
    const bits = reader.byte();
    for (let bit = 0; bit < 8; bit += 1) if ((bits & (1 << bit)) !== 0) open.push(from + BigInt(bit));
  }
  return (open.at(-1) ?? committed - 1n) < end ? open : undefined;
}

function readAttempts(reader: Reader, committed: bigint): Map<bigint, number> | undefined {
  const attempts = new Map<bigint, number>();
  let next = committed;
  while (!reader.isAtEnd && !reader.isBroken) {
    const offset = next + reader.varint();
    const made = Number(reader.varint());
    if (offset > maxOffset || made === 0 || made > Number.MAX_SAFE_INTEGER) return undefined;
    attempts.set(offset, made);
    next = offset + 1n;
  }
  return attempts;
}

function checksumOf(committed: bigint, payload: Uint8Array): number {
  const offset = Buffer.alloc(8);
  offset.writeBigInt64BE(BigInt.asIntN(64, committed));
  return crc32(payload, crc32(offset));
}

class Writer {
  readonly #bytes: Buffer;
  #length = 0;

  /** `maxBytes` does not include the checksum. */
  constructor(maxBytes: number) {
    this.#bytes = Buffer.alloc(maxBytes + checksumBytes);
  }

  get free(): number {
    return this.#bytes.length - checksumBytes - this.#length;
  }

  byte(value: number): void {
    this.#length = this.#bytes.writeUInt8(value, this.#length);
  }

  varint(value: bigint): void {
    let rest = value;
    for (; rest > 0x7fn; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest));
  }

  /** Adds the checksum, and returns everything in base64. */
  close(committed: bigint): string {
    const checksum = checksumOf(committed, this.#bytes.subarray(0, this.#length));
    const length = this.#bytes.writeUInt32BE(checksum, this.#length);
    return this.#bytes.toString('base64url', 0, length);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** True once it was asked for more bytes than there are, or found an invalid number. What it returns from then on is meaningless. */
  isBroken = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) this.isBroken = true;
    else this.#at += 1;
    return byte ?? 0;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 63n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    this.isBroken = true;
    return 0n;
  }
}
