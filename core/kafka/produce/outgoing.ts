// What we store as a batch: how much of it fits into one, and how it is encoded.
import type { OutgoingRecord } from '../../contract/record-sink.ts';
import { encodeBatch } from '../records/encode-batch.ts';
import type { ProducerId } from './produce-requests.ts';

/** What a record adds to a request, about, in bytes. */
export function requestBytes({ key, value, headers }: OutgoingRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0) + 64;
  for (const header of headers) bytes += header.name.length + (header.value?.length ?? 0) + 8;
  return bytes;
}

/** Most records and bytes of one batch: half of Kafka's default `message.max.bytes`, unless one record is larger. */
const maxBatch = { records: 500, bytes: 512 * 1024 };

/** How many of the first of `pending` fit into one batch; at least one. */
export function countOfBatch(pending: readonly { readonly bytes: number }[]): number {
  let count = 0;
  let bytes = 0;
  for (const one of pending) {
    if (count > 0 && (count === maxBatch.records || bytes + one.bytes > maxBatch.bytes)) break;
    count += 1;
    bytes += one.bytes;
  }
  return count;
}

export interface BatchOrigin {
  readonly producer: ProducerId;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
}

export function encodeRecords(records: readonly OutgoingRecord[], origin: BatchOrigin): Buffer {
  const { producer, baseSequence, isTransactional } = origin;
  const nowMs = Date.now();
  return encodeBatch({
    records: records.map(({ key, value, headers, timestampMs = nowMs }) => ({
      key,
      value,
      headers,
      timestampMs,
    })),
    producerId: producer.id,
    producerEpoch: producer.epoch,
    baseSequence,
    isTransactional,
  });
}

/** Sequence numbers go on at 0 after the largest int32. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % 2 ** 31;
}
