// The head of a record batch (magic 2; "Record Batch" in Kafka's documentation of message formats), and whether its bytes are those
// that the producer wrote.
import { UnreadableBatch } from './unreadable-batch.ts';

/** Where its fields stand. The records begin at the end of the head. */
export const batchFields = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
} as const;
export const batchHeadBytes = 61;

/** Bits of the attributes. The lowest three are the compression. */
export const batchFlags = { logAppendTime: 0x08, transactional: 0x10, control: 0x20 } as const;

export interface BatchHeader {
  readonly baseOffset: bigint;
  readonly lastOffsetDelta: number;
  readonly leaderEpoch: number;
  /** As Kafka numbers them: see `unpackRecords`. */
  readonly compression: number;
  readonly isLogAppendTime: boolean;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly producerId: bigint;
  /** What the batch says of itself; as many records need not be in it. */
  readonly count: number;
}

/** How many bytes the batch at `at` takes; undefined if not all of them are there. Less than a head where the length lies. */
export function wholeBatchBytes(bytes: Buffer, at: number): number | undefined {
  if (bytes.length - at < batchFields.leaderEpoch) return undefined;
  const size = Math.max(0, batchFields.leaderEpoch + bytes.readInt32BE(at + batchFields.length));
  return size > bytes.length - at ? undefined : size;
}

/** `batch` is one whole batch and nothing else. Throws UnreadableBatch; its CRC is not looked at. */
export function readBatchHeader(batch: Buffer): BatchHeader {
  const magic = batch.length > batchFields.magic ? batch.readInt8(batchFields.magic) : undefined;
  if (magic === 0 || magic === 1)
    throw new UnreadableBatch(
      `it has message format v${magic}, which Kafka 4 no longer writes and Millrace does not read`,
    );
  if (magic !== undefined && magic !== 2)
    throw new UnreadableBatch(`it has an unknown message format, ${magic}`);
  if (batch.length < batchHeadBytes) throw new UnreadableBatch('it is shorter than the head of a batch');
  const attributes = batch.readUInt16BE(batchFields.attributes);
  const lastOffsetDelta = batch.readInt32BE(batchFields.lastOffsetDelta);
  if (lastOffsetDelta < 0) throw new UnreadableBatch('it ends before its first offset');
  return {
    baseOffset: batch.readBigInt64BE(batchFields.baseOffset),
    lastOffsetDelta,
    leaderEpoch: batch.readInt32BE(batchFields.leaderEpoch),
    compression: attributes & 0x07,
    isLogAppendTime: (attributes & batchFlags.logAppendTime) !== 0,
    isTransactional: (attributes & batchFlags.transactional) !== 0,
    isControl: (attributes & batchFlags.control) !== 0,
    baseTimestampMs: Number(batch.readBigInt64BE(batchFields.baseTimestamp)),
    maxTimestampMs: Number(batch.readBigInt64BE(batchFields.maxTimestamp)),
    producerId: batch.readBigInt64BE(batchFields.producerId),
    count: batch.readInt32BE(batchFields.count),
  };
}

/** Past the last offset of the batch, whether or not compaction has left a record there. */
export function nextOffsetOf({ baseOffset, lastOffsetDelta }: BatchHeader): bigint {
  return baseOffset + BigInt(lastOffsetDelta) + 1n;
}
