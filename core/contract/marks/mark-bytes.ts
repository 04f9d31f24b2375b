// The bytes of a progress mark: LEB128 numbers, a checksum at the end, base64 around all of it.
import { crc32 } from 'node:zlib';

export const checksumBytes = 4;

/** The length of a LEB128 number. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest /= 128) bytes += 1;
  return bytes;
}

/** As `varintBytes`. */
export function bigVarintBytes(value: bigint): number {
  if (value <= Number.MAX_SAFE_INTEGER) return varintBytes(Number(value));
  return value < 2n ** 56n ? 8 : 9;
}

/** Of a committed offset, and what stands beside it. */
export function checksumOf(committed: bigint, payload: Uint8Array): number {
  const offset = Buffer.alloc(8);
  offset.writeBigInt64BE(BigInt.asIntN(64, committed));
  return crc32(payload, crc32(offset));
}

export class ByteWriter {
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

export class ByteReader {
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
