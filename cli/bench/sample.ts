// The event that the benchmarks send: 200 bytes of JSON, attributes and a key.
import type { OutgoingRecord } from '../../core/contract/record-sink.ts';

const filler = 'x'.repeat(200);

/** `{"at":<ms since the epoch>,…}` of 200 bytes. With `atMs` 0, for benchmarks that measure no latency, it has no `at`. */
export function sampleValue(atMs: number): Buffer {
  const head = atMs === 0 ? '{"no":0,"text":"' : `{"at":${atMs.toFixed(2)},"text":"`;
  return Buffer.from(`${head}${filler.slice(0, 200 - head.length - 2)}"}`);
}

/** A record without headers. The gateway makes an event of it, whose time is that of the append. */
export function plainRecord(topic: string, index: number, atMs = 0): OutgoingRecord {
  return { topic, key: Buffer.from(`customer-${index % 1000}`), value: sampleValue(atMs), headers: [] };
}

export function sampleRecord(topic: string, index: number, atMs = 0): OutgoingRecord {
  const header = (name: string, value: string): { name: string; value: Buffer } => ({
    name,
    value: Buffer.from(value),
  });
  const plain = plainRecord(topic, index, atMs);
  // For latency, the record is no CloudEvent.
  if (atMs !== 0) return plain;
  return {
    ...plain,
    headers: [
      header('ce_specversion', '1.0'),
      header('ce_id', `order-${index}`),
      header('ce_source', '/shop/checkout'),
      header('ce_type', 'com.example.order.placed'),
      header('ce_time', '2026-01-02T03:04:05.678Z'),
      header('content-type', 'application/json'),
    ],
  };
}

/** The headers of the gateway's request for this event: the `ce-` headers and the content type. */
export function sampleHeaders(topic: string, partition: number): string[] {
  return [
    'ce-specversion',
    '1.0',
    'ce-id',
    'order-123456',
    'ce-source',
    '/shop/checkout',
    'ce-type',
    'com.example.order.placed',
    'ce-time',
    '2026-01-02T03:04:05.678Z',
    'content-type',
    'application/json',
    'ce-kafkatopic',
    topic,
    'ce-kafkapartition',
    String(partition),
    'ce-kafkaoffset',
    '123456',
    'ce-partitionkey',
    'customer-456',
  ];
}
