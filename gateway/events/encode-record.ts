// Encodes events as Kafka records (Kafka protocol binding 1.0.2): binary or structured.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { OutgoingRecord } from '../../core/contract/record-sink.ts';
import type { RecordHeader } from '../../core/contract/record.ts';
import { encodeJson } from './encode-json.ts';

export type RecordParts = Pick<OutgoingRecord, 'key' | 'value' | 'headers'>;

const specversion: RecordHeader = { name: 'ce_specversion', value: Buffer.from('1.0') };
const structuredHeaders: readonly RecordHeader[] = [
  { name: 'content-type', value: Buffer.from('application/cloudevents+json; charset=UTF-8') },
];

/**
 * `event` in the binary content mode (section 3.2). The key is the extension `partitionkey` (section 3.1).
 */
export function encodeRecord(event: CloudEvent): RecordParts {
  const headers = [
    specversion,
    header('ce_id', event.id),
    header('ce_source', event.source),
    header('ce_type', event.type),
  ];
  if (event.subject !== undefined) headers.push(header('ce_subject', event.subject));
  if (event.time !== undefined) headers.push(header('ce_time', event.time));
  if (event.dataschema !== undefined) headers.push(header('ce_dataschema', event.dataschema));
  if (event.datacontenttype !== undefined) headers.push(header('content-type', event.datacontenttype));
  const { extensions } = event;
  for (const name in extensions) headers.push(header(`ce_${name}`, String(extensions[name])));
  return { key: keyOf(event), value: event.data, headers };
}

/** `event` in the structured content mode (section 3.3): the JSON format in the value. */
export function encodeStructuredRecord(event: CloudEvent): RecordParts {
  return { key: keyOf(event), value: encodeJson(event), headers: structuredHeaders };
}

function keyOf(event: CloudEvent): Buffer | null {
  const key = event.extensions.partitionkey;
  return key === undefined ? null : Buffer.from(String(key), 'utf8');
}

function header(name: string, value: string): RecordHeader {
  return { name, value: Buffer.from(value, 'utf8') };
}
