// Decodes a Kafka record as an event: structured or binary (Kafka protocol binding 1.0.2), or wrapped where it is not a CloudEvent.
// Never throws. A record that claims to be a CloudEvent and is not a valid one is undecodable; every other record becomes an event.
import type { AttributeValue } from '../../core/contract/event.ts';
import type { KafkaRecord } from '../../core/contract/record.ts';
import type { EventSettings } from '../../core/contract/subscription.ts';
import { assembleEvent, quoted, textOf, undecodable } from './attributes.ts';
import type { DecodeResult } from './attributes.ts';
import { decodeStructured } from './decode-structured.ts';
import { cloudEventsMode } from '../../core/contract/media-type.ts';
import { createHeadersToAttributes } from './headers-to-attributes.ts';
import type { Headers } from './headers-to-attributes.ts';
import { createKnativeWrap, createWrap } from './wrap.ts';
import type { Owner } from './wrap.ts';

export type Decode = (record: KafkaRecord) => DecodeResult;

/**
 * The decoder of one trigger. A record is
 * - structured where its `content-type` begins with `application/cloudevents` and it has a value (a tombstone is wrapped);
 * - binary where it has any of `ce_specversion`, `ce_id`, `ce_source`, `ce_type`: it must then have all four;
 * - wrapped otherwise.
 *
 * Every event carries the extensions `kafkatopic`, `kafkapartition` (a number), `kafkaoffset` (a string, because the Integer of
 * CloudEvents has 32 bits) and `kafkaheader<name>`. `partitionkey` is the key of the record, in Base64 where it is not text; without a
 * key it is that of the event itself. `traceparent` and `tracestate` are those of the event itself, or else the headers of the
 * record. Records that are wrapped in the dialect `knative` have Knative's extensions instead (`partitionkey`, `key`,
 * `kafkaheader…`).
 */
export function createDecode(settings: EventSettings, cluster: string, owner: Owner): Decode {
  const readHeaders = createHeadersToAttributes();
  const knative = settings.dialect === 'knative';
  const wrap = knative ? createKnativeWrap(settings, owner) : createWrap(settings, cluster);

  function wrapped(record: KafkaRecord, first: Headers, offset: string): DecodeResult {
    let headers = first;
    if (knative || first.attributed) {
      const extensions = knative ? {} : originOf(record, offset);
      headers = readHeaders(record, extensions, 'carry');
    }
    addKey(headers.extensions, record.key);
    addTrace(headers);
    return { kind: 'event', event: wrap(record, headers, offset) };
  }

  function structured(record: KafkaRecord, value: Buffer, first: Headers, offset: string): DecodeResult {
    const headers = first.attributed ? readHeaders(record, originOf(record, offset), 'skip') : first;
    const result = decodeStructured(value, headers.extensions);
    addKey(headers.extensions, record.key);
    addTrace(headers);
    return result;
  }

  return (record) => {
    const offset = offsetText(record.offset);
    const headers = readHeaders(record, originOf(record, offset), 'read');
    const mode = cloudEventsMode(headers.contentType);
    if (mode !== 'none') {
      if (record.value === null) return wrapped(record, headers, offset);
      if (mode === 'structured') return structured(record, record.value, headers, offset);
      return undecodable(
        `the event format ${quoted(headers.contentType)} is not supported: application/cloudevents+json is`,
      );
    }
    if (!headers.cloudEvent) return wrapped(record, headers, offset);
    if (headers.fault !== '') return undecodable(headers.fault);
    if (headers.contentType !== '') headers.datacontenttype = headers.contentType;
    addKey(headers.extensions, record.key);
    addTrace(headers);
    return assembleEvent(headers, headers.extensions, record.value);
  };
}

function originOf(record: KafkaRecord, offset: string): Record<string, AttributeValue> {
  return { kafkatopic: record.topic, kafkapartition: record.partition, kafkaoffset: offset };
}

/** A number converts to text several times faster than a bigint, and offsets above 2^53 are rare. */
function offsetText(offset: bigint): string {
  const number = Number(offset);
  return Number.isSafeInteger(number) ? String(number) : offset.toString();
}

/** `partitionkey` must not be empty (the extension Partitioning). A key that is not text is a Binary, in Base64. */
function addKey(extensions: Record<string, AttributeValue>, key: Buffer | null): void {
  if (key === null || key.length === 0) return;
  extensions.partitionkey = textOf(key) ?? key.toString('base64');
}

/** Trace context is a pair: where the event has its own `traceparent`, the `tracestate` of the record belongs to another trace. */
function addTrace(headers: Headers): void {
  const { extensions } = headers;
  if (headers.traceparent === '' || extensions.traceparent !== undefined) return;
  extensions.traceparent = headers.traceparent;
  if (headers.tracestate !== '') extensions.tracestate = headers.tracestate;
}
