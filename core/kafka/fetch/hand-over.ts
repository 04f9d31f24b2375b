// What an answer says of a partition, for one of those who fetch it: records are decoded and handed over in turns with all others of
// this process, and what is the matter is that partition's alone.
import { MillraceError } from '../../contract/errors.ts';
import type { FairScheduler } from './fair-scheduler.ts';
import { topicsForbidden } from '../connection/security/security-errors.ts';
import { failureOf } from '../offsets/offset-failures.ts';
import type { UnreadablePlace } from '../fetch/fetcher.ts';
import type { CorruptBatch } from '../records/corrupt-batch.ts';
import { decodeRecords, type Decoded } from '../records/decode-records.ts';
import type { FetchedPartition, FetchPosition } from './fetch-request.ts';
import { listenerFailed, type FailureTiming, type PartitionCursor } from './partition-cursor.ts';

export interface AskedPartition {
  readonly cursor: PartitionCursor;
  /** Of the cursor, when it was asked for. */
  readonly version: number;
  readonly position: FetchPosition;
}

/** How much more of one answer is unpacked, in bytes. */
export interface UnpackingBudget {
  leftBytes: number;
}

/** Of one answer: a batch may unpack to many times its bytes. */
export function createBudget(): UnpackingBudget {
  return { leftBytes: 16 * 1_048_576 };
}

/** `left`: not looked at, for there was no budget. `gone`: not to be fetched here as it was. */
export type HandOverOutcome = 'records' | 'nothing' | 'left' | 'gone';

export interface HandOverOptions {
  readonly scheduler: FairScheduler;
  /** Whether the cursor is to be fetched at this broker still. */
  readonly isHere: (cursor: PartitionCursor) => boolean;
}

/** A nearer replica is asked for so long before its leader is asked again, in ms: what Java has as `metadata.max.age.ms`. */
const nearerMs = 300_000;
/** What only somebody with other rights can change. */
export const forbidden: FailureTiming = { atOnce: true, retryMs: 5_000 };
const corruptRetryMs = 30_000;
/** Of a batch that cannot be read: what a topic takes as one record, by default, with room for headers. */
const mostKeptBytes = 1_000_000;
const codes = { offsetOutOfRange: 1, corruptMessage: 2 } as const;

/** Never rejects. */
export async function handOver(
  asked: AskedPartition,
  fetched: FetchedPartition,
  budget: UnpackingBudget,
  { scheduler, isHere }: HandOverOptions,
): Promise<HandOverOutcome> {
  const { cursor, version, position } = asked;
  const isCurrent = (): boolean =>
    isHere(cursor) && cursor.version === version && cursor.offset === position.offset;
  if (!isCurrent() || isElsewhere(cursor, fetched)) return 'gone';
  const { topic, partition, offset: fetchOffset } = position;
  const { bytes, abortedTransactions, lastStableOffset } = fetched;
  if (bytes.length === 0) return foundNothing(cursor);
  if (budget.leftBytes <= 0) return 'left';
  const room = cursor.room();
  if (room <= 0) return 'gone';
  const startMs = performance.now();
  const decoded = await decodeRecords({
    topic,
    partition,
    bytes,
    fetchOffset,
    abortedTransactions,
    maxUnpackedBytes: budget.leftBytes,
    maxRecordBytes: room,
    endOffset: lastStableOffset < 0n ? undefined : lastStableOffset,
  });
  budget.leftBytes -= decoded.unpackedBytes;
  if (!isCurrent()) return 'gone';
  const outcome = take(cursor, fetchOffset, decoded);
  await scheduler.next(performance.now() - startMs);
  return outcome;
}

/** Whether the answer was not about records: then the cursor goes its way. */
function isElsewhere(cursor: PartitionCursor, fetched: FetchedPartition): boolean {
  const { errorCode, divergedAt, preferredReplica } = fetched;
  if (errorCode !== 0) fail(cursor, errorCode);
  else if (divergedAt !== undefined) cursor.outOfRange(divergedAt);
  else if (preferredReplica >= 0 && !cursor.isNearer) {
    preferNearer(cursor, preferredReplica);
  } else return false;
  return true;
}

function preferNearer(cursor: PartitionCursor, nodeId: number): void {
  if (cursor.nearer === undefined) {
    cursor.nearer = { nodeId, untilMs: performance.now() + nearerMs };
    cursor.relocate();
    return;
  }
  const message = `The replica ${nodeId} that ${cursor.topic}-${cursor.partition} is to be fetched from is not known`;
  cursor.failed(new MillraceError('MILLRACE_KAFKA_FAILED', message));
}

/** By an error code of Kafka. */
function fail(cursor: PartitionCursor, errorCode: number): void {
  const { topic, partition } = cursor;
  // What a replica lacks, its leader may have.
  if (errorCode === codes.offsetOutOfRange && !cursor.isNearer) {
    cursor.outOfRange();
    return;
  }
  const what = `records of ${topic}-${partition} at offset ${cursor.offset}`;
  if (errorCode === codes.corruptMessage) {
    const message = `The broker cannot read the ${what} itself (CORRUPT_MESSAGE)`;
    const error = new MillraceError('MILLRACE_KAFKA_BATCH_UNREADABLE', message);
    cursor.failed(error, { atOnce: true, retryMs: corruptRetryMs });
    return;
  }
  const failure = failureOf(errorCode, what);
  if (failure === undefined) return;
  if (failure.error.code !== 'MILLRACE_KAFKA_FORBIDDEN') cursor.failed(failure.error);
  else cursor.failed(topicsForbidden('read', [topic]), forbidden);
}

function foundNothing(cursor: PartitionCursor): 'nothing' {
  cursor.nothing(performance.now());
  cursor.sound();
  return 'nothing';
}

function take(cursor: PartitionCursor, fetchedOffset: bigint, decoded: Decoded): HandOverOutcome {
  const { nextOffset, corrupt: found } = decoded;
  if (nextOffset === fetchedOffset && found === undefined) return foundNothing(cursor);
  if (nextOffset > fetchedOffset && !isTaken(cursor, fetchedOffset, decoded)) return 'gone';
  if (found !== undefined) {
    // The listener may have sought elsewhere with what came before.
    if (cursor.offset === nextOffset)
      cursor.failed(found.error, { atOnce: true, retryMs: corruptRetryMs, unreadable: placeOf(found) });
    return 'gone';
  }
  cursor.sound();
  return 'records';
}

/** Apart from the answer, which would be kept with it. */
function placeOf({ offset, nextOffset, why, bytes }: CorruptBatch): UnreadablePlace {
  return {
    offset,
    nextOffset,
    why,
    bytes: Buffer.from(bytes.subarray(0, mostKeptBytes)),
    size: bytes.length,
  };
}

function isTaken(cursor: PartitionCursor, fetchedOffset: bigint, decoded: Decoded): boolean {
  const { topic, partition, version, lastEpoch } = cursor;
  const { records, nextOffset, leaderEpoch } = decoded;
  // Before the listener may resume it.
  cursor.offset = nextOffset;
  cursor.lastEpoch = leaderEpoch ?? -1;
  cursor.recordsMs = performance.now();
  cursor.isBehind = false;
  let error: MillraceError | undefined;
  try {
    if (cursor.listener.fetched({ topic, partition, fetchedOffset, records, nextOffset, leaderEpoch }))
      return true;
    const message = `What was fetched of ${topic}-${partition} is not what is to come next there`;
    error = new MillraceError('MILLRACE_KAFKA_FAILED', message);
  } catch (cause) {
    error = listenerFailed(cursor, cause);
  }
  if (cursor.version !== version) return false;
  cursor.offset = fetchedOffset;
  cursor.lastEpoch = lastEpoch;
  cursor.failed(error);
  return false;
}
