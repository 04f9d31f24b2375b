// The records of one batch, unpacked, read in slices: a batch may have millions. Nothing is allocated by a number that stands in
// the bytes, and each byte is read once.
import { overhead, type KafkaRecord, type RecordHeader, type TopicPartition } from '../../contract/record.ts';
import type { BatchHeader } from './batch-header.ts';
import { readHeaderName, type HeaderName } from './header-name.ts';
import { UnreadableBatch } from './unreadable-batch.ts';

const noHeaders: readonly RecordHeader[] = [];
/** So many header names of the record before are remembered: most records of a topic have the same. */
const mostKnownNames = 64;

/** The most headers of a record. They are objects, and many times as large as the bytes that they are made of. */
export const mostHeaders = 250_000;

interface KnownName extends HeaderName {
  readonly from: number;
  readonly size: number;
}

export class RecordReader {
  /** Records and headers that were made. */
  made = 0;

  readonly #place: TopicPartition;
  readonly #batch: BatchHeader;
  readonly #bytes: Buffer;
  /** Of the first record that is wanted. */
  readonly #fromDelta: number;
  readonly #records: KafkaRecord[];
  readonly #maxBytes: number;
  #bytesMade = 0;
  #isFull = false;
  readonly #baseOffset: number | undefined;
  readonly #knownNames: KnownName[] = [];
  #at = 0;
  /** Records that are still to come. */
  #left: number;
  #delta = -1;
  /** Where the record under way ends, and its headers that are still to come. */
  #end = 0;
  #headersLeft = 0;
  #headers: RecordHeader[] = [];

  /**
   * `bytes` are what follows the head of the batch. Records below `fromOffset` are passed over, all others added to `records`; the
   * last of these may lack headers while a slice ends in them. `maxBytes`: about so much is made of them, in bytes as `recordBytes` counts
   * them, and one record at least. Throws UnreadableBatch.
   */
  constructor(
    place: TopicPartition,
    batch: BatchHeader,
    bytes: Buffer,
    fromOffset: bigint,
    records: KafkaRecord[],
    maxBytes = Infinity,
  ) {
    this.#maxBytes = maxBytes;
    this.#records = records;
    this.#place = { topic: place.topic, partition: place.partition };
    this.#batch = batch;
    this.#bytes = bytes;
    this.#fromDelta = Number(fromOffset - batch.baseOffset);
    const lastOffset = Number(batch.baseOffset) + batch.lastOffsetDelta;
    this.#baseOffset = Number.isSafeInteger(lastOffset) ? Number(batch.baseOffset) : undefined;
    this.#left = batch.count;
    if (batch.count < 0) throw new UnreadableBatch(`its count of records is ${batch.count}`);
  }

  /** No more is made, though there is more. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** What was made, in bytes as `recordBytes` counts them. */
  get bytesMade(): number {
    return this.#bytesMade;
  }

  get isWithinRecord(): boolean {
    return this.#headersLeft > 0;
  }

  /** The offset of what comes after the record that was read last. */
  get nextOffset(): bigint {
    return this.#batch.baseOffset + BigInt(this.#delta + 1);
  }

  /** Reads on for so many steps, one for each record and header. True when the batch is read. Throws UnreadableBatch. */
  readSlice(steps: number): boolean {
    for (let left = steps; left > 0 && !this.#isFull; left--) {
      if (this.#headersLeft > 0) this.#readHeader();
      else if (this.#left > 0) this.#readRecord();
      else return this.#readEnd();
    }
    return false;
  }

  #readEnd(): true {
    if (this.#at < this.#bytes.length) throw new UnreadableBatch('there are bytes after its last record');
    return true;
  }

  #readRecord(): void {
    this.#left -= 1;
    this.#end = this.#bytes.length;
    const size = this.#varint();
    this.#end = this.#ahead(size, 'record');
    this.#at += 1; // attributes, which have no meaning yet
    const timestampDelta = this.#varlong();
    const delta = this.#varint();
    if (delta <= this.#delta || delta > this.#batch.lastOffsetDelta)
      throw new UnreadableBatch(
        `the offset of a record is out of its place: ${delta} after the first of the batch`,
      );
    if (delta < this.#fromDelta) {
      this.#delta = delta;
      this.#at = this.#end;
      return;
    }
    const bytes = overhead.record + size;
    this.#isFull = this.made > 0 && this.#bytesMade + bytes > this.#maxBytes;
    if (this.#isFull) return;
    this.#delta = delta;
    this.#bytesMade += bytes;
    const key = this.#field('key');
    const value = this.#field('value');
    const headerCount = this.#headerCount();
    this.#headers = [];
    this.#records.push({
      topic: this.#place.topic,
      partition: this.#place.partition,
      offset: this.#offset(delta),
      timestampMs: this.#batch.isLogAppendTime
        ? this.#batch.maxTimestampMs
        : this.#batch.baseTimestampMs + timestampDelta,
      key,
      value,
      headers: headerCount === 0 ? noHeaders : this.#headers,
    });
    this.made += 1;
    this.#bytesMade += headerCount * overhead.header;
    this.#headersLeft = headerCount;
    if (headerCount === 0) this.#endRecord();
  }

  /** Without a sum of bigints where numbers do: that would be garbage of each record. */
  #offset(delta: number): bigint {
    return this.#baseOffset === undefined
      ? this.#batch.baseOffset + BigInt(delta)
      : BigInt(this.#baseOffset + delta);
  }

  /** A header takes two bytes at least, so a count that lies is known before any of them is made. */
  #headerCount(): number {
    const count = this.#varint();
    if (count < 0 || count > (this.#end - this.#at) / 2)
      throw new UnreadableBatch(`a record cannot have ${count} headers in its bytes`);
    if (count > mostHeaders)
      throw new UnreadableBatch(`a record has more than ${mostHeaders} headers: ${count}`);
    return count;
  }

  #readHeader(): void {
    const { name, nameBytes } = this.#headerName();
    const value = this.#field('header');
    this.#headers.push(nameBytes === undefined ? { name, value } : { name, nameBytes, value });
    this.made += 1;
    this.#headersLeft -= 1;
    if (this.#headersLeft === 0) this.#endRecord();
  }

  /** Mostly that of the header in the same place of the record before: then it is compared, and no text is made of it. */
  #headerName(): HeaderName {
    const size = this.#varint();
    const to = this.#ahead(size, 'header name');
    const from = this.#at;
    this.#at = to;
    const place = this.#headers.length;
    const known = this.#knownNames[place];
    if (known?.size === size && this.#areSame(known.from, from, size)) return known;
    const { name, nameBytes } = readHeaderName(this.#bytes, from, to);
    if (place < mostKnownNames) this.#knownNames[place] = { name, nameBytes, from, size };
    return { name, nameBytes };
  }

  #areSame(one: number, other: number, size: number): boolean {
    const bytes = this.#bytes;
    for (let index = 0; index < size; index++) if (bytes[one + index] !== bytes[other + index]) return false;
    return true;
  }

  #endRecord(): void {
    if (this.#at !== this.#end)
      throw new UnreadableBatch('there are bytes after the last header of a record');
  }

  /** A view of the bytes; null has the length -1. */
  #field(what: string): Buffer | null {
    const size = this.#varint();
    if (size === -1) return null;
    const from = this.#at;
    this.#at = this.#ahead(size, what);
    return this.#bytes.subarray(from, this.#at);
  }

  /** Where something of this size ends. */
  #ahead(size: number, what: string): number {
    const end = this.#at + size;
    if (size < 0 || end > this.#end) throw new UnreadableBatch(`the length of a ${what} is ${size}`);
    return end;
  }

  /** An int32 in zigzag order, at most five bytes. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw new UnreadableBatch('a number has more than five bytes');
  }

  /** An int64, as #varint. Beyond 2^53 it is about right: only timestamps are such numbers. */
  #varlong(): number {
    let value = 0;
    for (let power = 1; power < 2 ** 70; power *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * power;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw new UnreadableBatch('a timestamp has more than ten bytes');
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new UnreadableBatch('a record ends too early');
    return this.#bytes[this.#at++] as number;
  }
}
