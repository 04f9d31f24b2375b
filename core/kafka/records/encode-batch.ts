// Records → one batch as a producer sends it: magic 2, not compressed, with its CRC-32C. Headers keep their order, repeats, nulls and
// bytes.
import type { RecordHeader } from '../../contract/record.ts';
import { batchFields, batchFlags, batchHeadBytes } from './batch-header.ts';
import { crc32c } from './crc32c.ts';
import { headerNameBytes } from './header-name.ts';

export interface BatchRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  readonly timestampMs: number;
}

export interface Batch {
  /** In order. */
  readonly records: readonly BatchRecord[];
  /** -1 without idempotence, as epoch and sequence. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Of the first record; the others follow it. */
  readonly baseSequence: number;
  readonly isTransactional: boolean;
}

export function encodeBatch({
  records,
  producerId,
  producerEpoch,
  baseSequence,
  isTransactional,
}: Batch): Buffer {
  const baseTimestampMs = records[0]?.timestampMs ?? 0;
  const bodies = records.map((record, delta) => measure(record, delta, baseTimestampMs));
  const size = bodies.reduce((sum, { bytes }) => sum + varintBytes(bytes) + bytes, batchHeadBytes);
  const writer = new BatchWriter(size);
  for (const body of bodies) writer.record(body);
  const { batch } = writer;
  batch.writeBigInt64BE(0n, batchFields.baseOffset);
  batch.writeInt32BE(size - batchFields.leaderEpoch, batchFields.length);
  batch.writeInt32BE(-1, batchFields.leaderEpoch);
  batch.writeInt8(2, batchFields.magic);
  batch.writeInt16BE(isTransactional ? batchFlags.transactional : 0, batchFields.attributes);
  batch.writeInt32BE(records.length - 1, batchFields.lastOffsetDelta);
  batch.writeBigInt64BE(BigInt(baseTimestampMs), batchFields.baseTimestamp);
  const latestMs = records.reduce(
    (latest, { timestampMs }) => Math.max(latest, timestampMs),
    baseTimestampMs,
  );
  batch.writeBigInt64BE(BigInt(latestMs), batchFields.maxTimestamp);
  batch.writeBigInt64BE(producerId, batchFields.producerId);
  batch.writeInt16BE(producerEpoch, batchFields.producerEpoch);
  batch.writeInt32BE(baseSequence, batchFields.baseSequence);
  batch.writeInt32BE(records.length, batchFields.count);
  batch.writeUInt32BE(crc32c(batch.subarray(batchFields.attributes)), batchFields.crc);
  return batch;
}

type Header = readonly [name: Buffer, value: Buffer | null];

interface MeasuredRecord {
  readonly record: BatchRecord;
  readonly delta: number;
  readonly timestampDelta: number;
  readonly headers: readonly Header[];
  /** Without the length before it. */
  readonly bytes: number;
}

function measure(record: BatchRecord, delta: number, baseTimestampMs: number): MeasuredRecord {
  const timestampDelta = record.timestampMs - baseTimestampMs;
  const headers = record.headers.map((header): Header => [headerNameBytes(header), header.value]);
  let bytes = 1 + varintBytes(timestampDelta) + varintBytes(delta);
  bytes += fieldBytes(record.key) + fieldBytes(record.value) + varintBytes(headers.length);
  for (const [name, value] of headers) bytes += fieldBytes(name) + fieldBytes(value);
  return { record, delta, timestampDelta, headers, bytes };
}

function fieldBytes(field: Buffer | null): number {
  return field === null ? 1 : varintBytes(field.length) + field.length;
}

/** Zigzag, in numbers: timestamps have more than 32 bits. */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = zigzag(value); rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

class BatchWriter {
  readonly batch: Buffer;
  #at = batchHeadBytes;

  constructor(size: number) {
    this.batch = Buffer.allocUnsafe(size);
  }

  record({ record, delta, timestampDelta, headers, bytes }: MeasuredRecord): void {
    this.#varint(bytes);
    this.#at = this.batch.writeInt8(0, this.#at);
    this.#varint(timestampDelta);
    this.#varint(delta);
    this.#field(record.key);
    this.#field(record.value);
    this.#varint(headers.length);
    for (const [name, value] of headers) {
      this.#field(name);
      this.#field(value);
    }
  }

  #field(field: Buffer | null): void {
    this.#varint(field === null ? -1 : field.length);
    if (field !== null) this.#at += field.copy(this.batch, this.#at);
  }

  #varint(value: number): void {
    let rest = zigzag(value);
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.batch[this.#at++] = (rest % 128) | 0x80;
    this.batch[this.#at++] = rest;
  }
}
