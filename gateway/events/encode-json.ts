// Encodes events in the JSON event format 1.0.2, alone and in batches. JSON data is embedded unchanged.
import type { CloudEvent } from '../../core/contract/event.ts';
import { isUtf8 } from 'node:buffer';
import { isJson } from './json-bytes.ts';
import { isJsonMediaType, isTextMediaType } from '../../core/contract/media-type.ts';

const openBracket = 0x5b;
const comma = 0x2c;
const closeBracket = 0x5d;
const closeBrace = 0x7d;

/**
 * `event` in the JSON format. Data goes into `data` as JSON where the type is JSON (or absent) and the bytes are JSON. It goes into
 * `data` as a string where the type is text and the bytes are UTF-8. Otherwise it goes into `data_base64` (section 3.1.1).
 */
export function encodeJson(event: CloudEvent): Buffer {
  const { data, datacontenttype: contentType } = event;
  const attributes = attributesJson(event);
  if (data === null) return Buffer.from(`${attributes}}`, 'utf8');
  if (contentType === undefined || isJsonMediaType(contentType)) {
    if (isJson(data)) return embed(`${attributes},"data":`, data);
  } else if (isTextMediaType(contentType) && isUtf8(data)) {
    return Buffer.from(`${attributes},"data":${JSON.stringify(data.toString('utf8'))}}`, 'utf8');
  }
  return Buffer.from(`${attributes},"data_base64":"${data.toString('base64')}"}`, 'utf8');
}

/** The size in bytes of a batch of `members`, which are events in the JSON format. */
export function batchBytes(members: readonly Buffer[]): number {
  let bytes = members.length === 0 ? 2 : members.length + 1;
  for (const member of members) bytes += member.length;
  return bytes;
}

/** Joins events in the JSON format to a batch in the JSON batch format (section 4). */
export function joinBatch(members: readonly Buffer[]): Buffer {
  const batch = Buffer.allocUnsafe(batchBytes(members));
  let at = 1;
  batch[0] = openBracket;
  for (const member of members) {
    if (at > 1) {
      batch[at] = comma;
      at += 1;
    }
    at += member.copy(batch, at);
  }
  batch[at] = closeBracket;
  return batch;
}

/** The JSON object of the attributes, without its closing brace. */
function attributesJson(event: CloudEvent): string {
  let json = `{"specversion":"1.0","id":${JSON.stringify(event.id)},"source":${JSON.stringify(event.source)}`;
  json += `,"type":${JSON.stringify(event.type)}`;
  if (event.subject !== undefined) json += `,"subject":${JSON.stringify(event.subject)}`;
  if (event.time !== undefined) json += `,"time":${JSON.stringify(event.time)}`;
  if (event.datacontenttype !== undefined)
    json += `,"datacontenttype":${JSON.stringify(event.datacontenttype)}`;
  if (event.dataschema !== undefined) json += `,"dataschema":${JSON.stringify(event.dataschema)}`;
  const { extensions } = event;
  for (const name in extensions) json += `,"${name}":${JSON.stringify(extensions[name])}`;
  return json;
}

function embed(head: string, data: Buffer): Buffer {
  const headBytes = Buffer.byteLength(head, 'utf8');
  const bytes = Buffer.allocUnsafe(headBytes + data.length + 1);
  bytes.write(head, 0, headBytes, 'utf8');
  data.copy(bytes, headBytes);
  bytes[bytes.length - 1] = closeBrace;
  return bytes;
}
