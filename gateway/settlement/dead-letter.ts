// The form of a dead letter: the bytes of the record unchanged, and headers that say why it was not delivered and where it came from.
import type { OutgoingRecord } from '../../core/contract/record-sink.ts';
import type { KafkaRecord, RecordHeader } from '../../core/contract/record.ts';
import type { DeadLetterCause } from '../../core/contract/settlement.ts';
import type { UnreadableBatch } from '../../core/contract/skip.ts';

/** Longest `millrace-detail`, in characters: a dead letter must not become much larger than its record. */
const maxDetail = 512;

/**
 * The dead letter of `record`. Key, value and headers stay as they are; `millrace-*` headers of an earlier dead letter are replaced.
 * The dead letter gets the current time of the broker; `millrace-timestamp` has that of the record. So retention counts from the
 * time of the dead letter: otherwise an old record would be deleted at once. `batch`: what cannot be read, of which `record` has the bytes, or as
 * many as are kept; `millrace-batch-bytes` says how many there were.
 */
export function deadLetterOf(
  record: KafkaRecord,
  cause: DeadLetterCause,
  trigger: string,
  topic: string,
  batch?: UnreadableBatch,
): OutgoingRecord {
  const facts: Record<string, string | undefined> = {
    'millrace-trigger': trigger,
    'millrace-topic': record.topic,
    'millrace-partition': String(record.partition),
    'millrace-offset': String(record.offset),
    'millrace-last-offset': batch?.lastOffset === undefined ? undefined : String(batch.lastOffset),
    'millrace-batch-bytes': batch === undefined ? undefined : String(batch.size),
    'millrace-timestamp': batch === undefined ? timeText(record.timestampMs) : undefined,
    'millrace-reason': cause.reason,
    'millrace-detail': `${cutText(record, batch)}${cause.detail}`.slice(0, maxDetail),
    'millrace-status': cause.status === undefined ? undefined : String(cause.status),
    'millrace-attempts': String(cause.attempts),
  };
  const headers: RecordHeader[] = record.headers.filter(({ name }) => !Object.hasOwn(facts, name));
  for (const [name, value] of Object.entries(facts)) {
    if (value !== undefined) headers.push({ name, value: Buffer.from(value) });
  }
  return { topic, key: record.key, value: record.value, headers };
}

function cutText({ value }: KafkaRecord, batch: UnreadableBatch | undefined): string {
  const kept = value?.length ?? 0;
  return batch === undefined || kept === batch.size
    ? ''
    : `cut to the first ${kept} of ${batch.size} bytes; `;
}

/** ISO 8601, or the number itself where it is outside the range of dates. */
function timeText(timestampMs: number): string {
  return Math.abs(timestampMs) <= 8.64e15 ? new Date(timestampMs).toISOString() : String(timestampMs);
}
