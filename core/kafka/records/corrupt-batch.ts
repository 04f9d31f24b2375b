// A batch that cannot be read: where it stands, and what comes after it for whoever passes it.
import { MillraceError } from '../../contract/errors.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import { batchFields, wholeBatchBytes } from './batch-header.ts';
import type { UnreadableBatch } from './unreadable-batch.ts';

export interface CorruptBatch {
  /** The first offset that cannot be read: the first of the batch, or of what is wanted of it. */
  readonly offset: bigint;
  /** Past the batch, as far as its head can be believed; undefined where it does not tell. Greater than `offset`. */
  readonly nextOffset: bigint | undefined;
  /** MILLRACE_KAFKA_BATCH_UNREADABLE. */
  readonly error: MillraceError;
  /** What is wrong with it. */
  readonly why: string;
  /** The batch, as far as it was fetched: a view. */
  readonly bytes: Buffer;
}

interface Fetched extends TopicPartition {
  readonly bytes: Buffer;
  /** The end of what can be fetched at present: no batch reaches beyond it. Undefined where that is not known. */
  readonly endOffset?: bigint | undefined;
}

/** `position` is the next offset that is wanted; the batch begins at `at` of the bytes. */
export function corruptBatch(
  fetched: Fetched,
  at: number,
  position: bigint,
  cause: UnreadableBatch,
): CorruptBatch {
  const { first = position, next } = claimedOffsets(fetched.bytes, at);
  const following = followingOffset(fetched.bytes, at);
  // A flipped bit must not lead past batches that can be read.
  const limit = following !== undefined && following > position ? following : undefined;
  const offset = first > position && (limit === undefined || first < limit) ? first : position;
  const claimed = isEnd(next, offset, fetched.endOffset) ? next : undefined;
  const nextOffset = limit !== undefined && (claimed === undefined || claimed > limit) ? limit : claimed;
  const what = `the batch at offset ${offset} of ${partitionName(fetched)} cannot be read`;
  const error = new MillraceError('MILLRACE_KAFKA_BATCH_UNREADABLE', what, { cause });
  return { offset, nextOffset, error, why: cause.message, bytes: bytesOf(fetched.bytes, at) };
}

/** Whoever believed an end beyond that of the log would pass what is written next. */
function isEnd(next: bigint | undefined, offset: bigint, endOffset: bigint | undefined): next is bigint {
  return next !== undefined && next > offset && (endOffset === undefined || next <= endOffset);
}

/** All that follows where the length lies. */
function bytesOf(bytes: Buffer, at: number): Buffer {
  const size = wholeBatchBytes(bytes, at);
  return bytes.subarray(at, size === undefined ? undefined : at + Math.max(size, batchFields.leaderEpoch));
}

/** What the batch at `at` says of itself, true or not. Of formats v0 and v1 it is the last offset that stands in the head. */
function claimedOffsets(bytes: Buffer, at: number): { readonly first?: bigint; readonly next?: bigint } {
  if (bytes.length - at < batchFields.baseTimestamp) return {};
  const offset = bytes.readBigInt64BE(at);
  if (bytes.readInt8(at + batchFields.magic) !== 2) return { next: offset + 1n };
  return { first: offset, next: offset + BigInt(bytes.readInt32BE(at + batchFields.lastOffsetDelta)) + 1n };
}

/** The first offset of the batch that follows, if one does. */
function followingOffset(bytes: Buffer, at: number): bigint | undefined {
  if (bytes.length - at < batchFields.leaderEpoch) return undefined;
  const size = bytes.readInt32BE(at + batchFields.length);
  return size < 0 ? undefined : claimedOffsets(bytes, at + batchFields.leaderEpoch + size).first;
}
