// The client's message as our record: offsets as bigint, headers as a list, bytes untouched.
import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { KafkaRecord, RecordHeader } from '../../contract/record.ts';

const noHeaders: readonly RecordHeader[] = [];

export function toRecord(topic: string, partition: number, message: KafkaMessage): KafkaRecord {
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    timestampMs: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: toHeaders(message.headers),
  };
}

function toHeaders(headers: IHeaders | undefined): readonly RecordHeader[] {
  if (headers === undefined) return noHeaders;
  const list: RecordHeader[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (Array.isArray(value)) {
      // The client takes what every object inherits for an earlier value of a header named `constructor`, `toString`, …
      for (const one of value as unknown[]) if (isValue(one)) list.push({ name, value: toBuffer(one) });
    } else {
      list.push({ name, value: toBuffer(value) });
    }
  }
  return list;
}

function isValue(value: unknown): value is Buffer | string | null {
  return value === null || Buffer.isBuffer(value) || typeof value === 'string';
}

function toBuffer(value: Buffer | string | undefined | null): Buffer | null {
  return typeof value === 'string' ? Buffer.from(value) : (value ?? null);
}
