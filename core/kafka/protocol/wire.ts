// Kafka's wire types for flexible request versions (KIP-482: compact lengths, tagged fields), as far as
// offsets need them.

/**
 * Writes one request body. Lengths of strings and arrays are compact: unsigned varint of length + 1, 0 for
 * null.
 */
export class WireWriter {
  #bytes = Buffer.allocUnsafe(1024);
  #length = 0;

  int8(value: number): this {
    this.#reserve(1);
    this.#length = this.#bytes.writeInt8(value, this.#length);
    return this;
  }

  bool(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  int16(value: number): this {
    this.#reserve(2);
    this.#length = this.#bytes.writeInt16BE(value, this.#length);
    return this;
  }

  int32(value: number): this {
    this.#reserve(4);
    this.#length = this.#bytes.writeInt32BE(value, this.#length);
    return this;
  }

  int64(value: bigint): this {
    this.#reserve(8);
    this.#length = this.#bytes.writeBigInt64BE(value, this.#length);
    return this;
  }

  varint(value: number): this {
    this.#reserve(5);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.#length = this.#bytes.writeUInt8((rest & 0x7f) | 0x80, this.#length);
      rest >>>= 7;
    }
    this.#length = this.#bytes.writeUInt8(rest, this.#length);
    return this;
  }

  /** Null is the null string. */
  string(value: string | null): this {
    if (value === null) return this.varint(0);
    const size = Buffer.byteLength(value);
    this.varint(size + 1).#reserve(size);
    this.#length += this.#bytes.write(value, this.#length, size, 'utf8');
    return this;
  }

  /** `undefined` is the null string. */
  optionalString(value: string | undefined): this {
    return value === undefined ? this.varint(0) : this.string(value);
  }

  /** A copy of them. */
  binary(value: Buffer): this {
    this.varint(value.length + 1).#reserve(value.length);
    this.#length += value.copy(this.#bytes, this.#length);
    return this;
  }

  /** Sixteen bytes, as hexadecimal text. */
  uuid(value: string): this {
    this.#reserve(16);
    this.#length += this.#bytes.write(value, this.#length, 16, 'hex');
    return this;
  }

  /** `undefined` is the null array, which asks for everything where a request allows it. */
  array<T>(items: readonly T[] | undefined, write: (writer: this, item: T) => void): this {
    this.varint(items === undefined ? 0 : items.length + 1);
    for (const item of items ?? []) write(this, item);
    return this;
  }

  /** The empty set of tagged fields that ends every structure. */
  tags(): this {
    return this.varint(0);
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + size));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Reads one response body. Throws RangeError where it ends too early. */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  bool(): boolean {
    return this.int8() !== 0;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#take(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#take(1));
      value |= (byte & 0x7f) << shift;
      if (byte <= 0x7f) return value >>> 0;
    }
    throw new RangeError('A varint in a response of Kafka has more than five bytes');
  }

  string(): string | null {
    const size = this.varint() - 1;
    if (size < 0) return null;
    const from = this.#take(size);
    return this.#bytes.toString('utf8', from, from + size);
  }

  /** Null reads as none. A view: not to be kept. */
  bytes(): Buffer {
    const size = Math.max(0, this.varint() - 1);
    const from = this.#take(size);
    return this.#bytes.subarray(from, from + size);
  }

  uuid(): string {
    const from = this.#take(16);
    return this.#bytes.toString('hex', from, from + 16);
  }

  /** The null array reads as an empty one. */
  array<T>(read: (reader: this) => T): T[] {
    const items: T[] = [];
    for (let left = this.varint() - 1; left > 0; left--) items.push(read(this));
    return items;
  }

  /** Passes the tagged fields that end every structure; `read` may read what it knows of one, and no further. */
  tags(read?: (tag: number, reader: this) => void): void {
    for (let left = this.varint(); left > 0; left--) {
      const tag = this.varint();
      const from = this.#take(this.varint());
      const end = this.#at;
      this.#at = from;
      read?.(tag, this);
      this.#at = end;
    }
  }

  #take(size: number): number {
    const from = this.#at;
    if (from + size > this.#bytes.length) throw new RangeError('A response of Kafka ends too early');
    this.#at = from + size;
    return from;
  }
}
