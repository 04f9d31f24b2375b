// A record that will never be delivered, as it is stored: its bytes as they were, and headers that tell why and whence.
import type { OutgoingRecord } from '../../core/contract/record-sink.ts';
import type { KafkaRecord, RecordHeader } from '../../core/contract/record.ts';
import type { DeadLetterCause } from '../../core/contract/settlement.ts';

/** Longest `millrace-detail`, in characters: the dead letter must not outgrow the record that it carries. */
const maxDetail = 512;

/**
 * The dead letter of `record`. Key, value and headers stay as they are; headers `millrace-*` of an earlier dead letter are
 * replaced. Its timestamp is the broker's now (the record's stands in `millrace-timestamp`): retention counts from the day
 * it was dead-lettered, or an old record would vanish again at once.
 */
export function deadLetterOf(
  record: KafkaRecord,
  cause: DeadLetterCause,
  trigger: string,
  topic: string,
): OutgoingRecord {
  const facts: Record<string, string | undefined> = {
    'millrace-trigger': trigger,
    'millrace-topic': record.topic,
    'millrace-partition': String(record.partition),
    'millrace-offset': String(record.offset),
    'millrace-timestamp': timeText(record.timestampMs),
    'millrace-reason': cause.reason,
    'millrace-detail': cause.detail.slice(0, maxDetail),
    'millrace-status': cause.status === undefined ? undefined : String(cause.status),
    'millrace-attempts': String(cause.attempts),
  };
  const headers: RecordHeader[] = record.headers.filter(({ name }) => !Object.hasOwn(facts, name));
  for (const [name, value] of Object.entries(facts)) {
    if (value !== undefined) headers.push({ name, value: Buffer.from(value) });
  }
  return { topic, key: record.key, value: record.value, headers };
}

/** ISO 8601, or the number itself where a producer set one that no calendar has. */
function timeText(timestampMs: number): string {
  return Math.abs(timestampMs) <= 8.64e15 ? new Date(timestampMs).toISOString() : String(timestampMs);
}
