// Records and events for the tests of this folder: literal ones, and arbitrary ones for properties.
import fc from 'fast-check';
import type { AttributeValue, CloudEvent } from '../../../core/contract/event.ts';
import type { KafkaRecord, RecordHeader } from '../../../core/contract/record.ts';
import type { EventSettings } from '../../../core/contract/subscription.ts';

export const settings: EventSettings = { type: 'dev.millrace.record', dialect: 'millrace' };
export const owner = { namespace: 'geo', name: 'quake-alerts' };

function bytesOf(value: string | Buffer | null): Buffer | null {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
}

/** Headers of pairs of name and value, in their order. */
export function headersOf(...pairs: readonly (readonly [string, string | Buffer | null])[]): RecordHeader[] {
  return pairs.map(([name, value]) => ({ name, value: bytesOf(value) }));
}

export interface RecordContents {
  key?: string | Buffer | null;
  value?: string | Buffer | null;
  headers?: RecordHeader[];
  offset?: bigint;
  topic?: string;
  timestampMs?: number;
}

export function recordOf(contents: RecordContents): KafkaRecord {
  return {
    topic: contents.topic ?? 'orders',
    partition: 3,
    offset: contents.offset ?? 42n,
    timestampMs: contents.timestampMs ?? 1_715_000_000_007,
    key: bytesOf(contents.key ?? null),
    value: bytesOf(contents.value ?? null),
    headers: contents.headers ?? [],
  };
}

export function eventOf(event: Partial<CloudEvent> = {}): CloudEvent {
  return {
    id: 'a-1',
    source: '/orders/eu',
    type: 'com.example.order.created',
    subject: undefined,
    time: undefined,
    datacontenttype: undefined,
    dataschema: undefined,
    extensions: {},
    data: null,
    ...event,
  };
}

/** The extensions that each event gets from its record. */
export const origin: Readonly<Record<string, AttributeValue>> = {
  kafkatopic: 'orders',
  kafkapartition: 3,
  kafkaoffset: '42',
};

/** Texts that a CloudEvents String may contain, with awkward characters more often than chance would produce them. */
const awkward = fc.constantFrom(' ', '"', '%', '%41', '\\', 'é', '€', '😀', '\u00a0', '\u{10fffd}', ';', ',');
export const anyText = fc
  .array(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 8 }), awkward), { maxLength: 6 })
  .map((parts) => parts.join(''))
  .filter((text) => !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(text));
const fullText = anyText.filter((text) => text !== '');

const anyContentType = fc.constantFrom(
  'application/json',
  'application/vnd.orders+json; v=2',
  'text/plain',
  'application/xml; charset=utf-8',
  'application/octet-stream',
);

const anyTime = fc
  .date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((date) => date.toISOString());

const anyExtensionName = fc
  .stringMatching(/^[a-z0-9]{1,12}$/)
  .filter((name) => !name.startsWith('kafka') && !taken.has(name));
const taken = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
  'data',
  'partitionkey',
  'traceparent',
  'tracestate',
]);

/** Without the JSON `null`: in the JSON format, Millrace takes it for no data. */
const anyData = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes)),
  fc
    .json()
    .filter((json) => json !== 'null')
    .map((json) => Buffer.from(json)),
);

/** Valid events. The values of their extensions are texts, as after any transfer by headers. */
export const anyEvent: fc.Arbitrary<CloudEvent> = fc.record(
  {
    id: fullText,
    source: fullText,
    type: fullText,
    subject: fc.option(fullText, { nil: undefined }),
    time: fc.option(anyTime, { nil: undefined }),
    datacontenttype: fc.option(anyContentType, { nil: undefined }),
    dataschema: fc.option(fullText, { nil: undefined }),
    extensions: fc.dictionary(anyExtensionName, anyText, { maxKeys: 4, noNullPrototype: true }),
    data: anyData,
  },
  { noNullPrototype: true },
);

const anyBytes = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const anyHeaderName = fc.oneof(
  fc.constantFrom(
    ...['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_time', 'ce_subject', 'ce_data', 'ce_foo-bar'],
    ...['ce_datacontenttype', 'ce_kafkatopic', 'ce_partitionkey', 'ce_traceparent', 'CE_ID', 'ce_Id', 'ce_'],
    ...[
      'content-type',
      'Content-Type',
      'traceparent',
      'tracestate',
      'host',
      'content-length',
      'authorization',
    ],
  ),
  fc.string(),
);
const anyHeaderValue = fc.oneof(
  fc
    .constantFrom(
      ...[
        '1.0',
        'application/cloudevents+json',
        'application/cloudevents+avro',
        'application/json',
        'x\r\nhost: y',
      ],
    )
    .map((text) => Buffer.from(text)),
  anyText.map((text) => Buffer.from(text)),
  anyBytes,
  fc.constant(null),
);

/** Arbitrary records, valid or not. */
export const anyRecord: fc.Arbitrary<KafkaRecord> = fc.record({
  topic: fc.stringMatching(/^[a-zA-Z0-9._-]{1,20}$/),
  partition: fc.nat(),
  offset: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  timestampMs: fc.oneof(fc.constant(-1), fc.integer(), fc.maxSafeInteger()),
  key: fc.oneof(
    fc.constant(null),
    anyBytes,
    anyText.map((text) => Buffer.from(text)),
  ),
  value: fc.oneof(
    fc.constant(null),
    anyBytes,
    fc.json().map((json) => Buffer.from(json)),
    fc
      .dictionary(
        fc.oneof(anyExtensionName, fc.constantFrom('data', 'data_base64', 'id', 'type')),
        fc.jsonValue(),
      )
      .map((members) =>
        Buffer.from(JSON.stringify({ specversion: '1.0', id: '1', source: 's', type: 't', ...members })),
      ),
  ),
  headers: fc.array(fc.record({ name: anyHeaderName, value: anyHeaderValue }), { maxLength: 8 }),
});
