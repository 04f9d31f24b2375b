// Encodes events in the JSON event format 1.0.2, alone and in batches. JSON data is embedded unchanged.
import type { CloudEvent } from '../../core/contract/event.ts';
import { isUtf8 } from 'node:buffer';
import { isJson } from './json-bytes.ts';
import { isJsonMediaType, isTextMediaType } from '../../core/contract/media-type.ts';

const openBracket = 0x5b;
const comma = 0x2c;
const closeBracket = 0x5d;
const closeBrace = 0x7d;

/** Text that stands between quotes as it is (RFC 8259, section 7). */
const plainText = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** An event in the JSON format, not yet as bytes: a batch is written in one go. */
export interface JsonMember {
  /** The object; where there is `data`, without its end. */
  readonly text: string;
  /** JSON data, which follows `text` byte by byte. The closing brace is behind it. */
  readonly data: Buffer | undefined;
  /** How many bytes it has. */
  readonly bytes: number;
}

/**
 * `event` in the JSON format. Data goes into `data` as JSON where the type is JSON (or absent) and the bytes are JSON. It goes into
 * `data` as a string where the type is text and the bytes are UTF-8. Otherwise it goes into `data_base64` (section 3.1.1).
 */
export function memberOf(event: CloudEvent): JsonMember {
  const { data, datacontenttype: contentType } = event;
  const attributes = attributesJson(event);
  if (data === null) return whole(`${attributes}}`);
  if (contentType === undefined || isJsonMediaType(contentType)) {
    if (isJson(data)) {
      const text = `${attributes},"data":`;
      return { text, data, bytes: Buffer.byteLength(text, 'utf8') + data.length + 1 };
    }
  } else if (isTextMediaType(contentType) && isUtf8(data)) {
    return whole(`${attributes},"data":${JSON.stringify(data.toString('utf8'))}}`);
  }
  return whole(`${attributes},"data_base64":"${data.toString('base64')}"}`);
}

function whole(text: string): JsonMember {
  return { text, data: undefined, bytes: Buffer.byteLength(text, 'utf8') };
}

/** `event` in the JSON format, alone. */
export function encodeJson(event: CloudEvent): Buffer {
  const member = memberOf(event);
  const bytes = Buffer.allocUnsafe(member.bytes);
  writeMember(bytes, 0, member);
  return bytes;
}

/** The size in bytes of a batch of `members`. */
export function batchBytes(members: readonly JsonMember[]): number {
  let bytes = members.length === 0 ? 2 : members.length + 1;
  for (const member of members) bytes += member.bytes;
  return bytes;
}

/** Joins events to a batch in the JSON batch format (section 4). */
export function joinBatch(members: readonly JsonMember[]): Buffer {
  const batch = Buffer.allocUnsafe(batchBytes(members));
  let at = 1;
  batch[0] = openBracket;
  for (const member of members) {
    if (at > 1) {
      batch[at] = comma;
      at += 1;
    }
    at = writeMember(batch, at, member);
  }
  batch[at] = closeBracket;
  return batch;
}

/** Returns where it ends. */
function writeMember(bytes: Buffer, at: number, { text, data }: JsonMember): number {
  const end = at + bytes.write(text, at, 'utf8');
  if (data === undefined) return end;
  data.copy(bytes, end);
  bytes[end + data.length] = closeBrace;
  return end + data.length + 1;
}

/** The JSON object of the attributes, without its closing brace. */
function attributesJson(event: CloudEvent): string {
  let json = `{"specversion":"1.0","id":${quote(event.id)},"source":${quote(event.source)}`;
  json += `,"type":${quote(event.type)}`;
  if (event.subject !== undefined) json += `,"subject":${quote(event.subject)}`;
  if (event.time !== undefined) json += `,"time":${quote(event.time)}`;
  if (event.datacontenttype !== undefined) json += `,"datacontenttype":${quote(event.datacontenttype)}`;
  if (event.dataschema !== undefined) json += `,"dataschema":${quote(event.dataschema)}`;
  const { extensions } = event;
  for (const name in extensions) {
    const value = extensions[name];
    json += `,"${name}":${typeof value === 'string' ? quote(value) : String(value)}`;
  }
  return json;
}

/** As JSON.stringify does it, which is several times as expensive for the short texts that attributes are. */
function quote(text: string): string {
  return plainText.test(text) ? `"${text}"` : JSON.stringify(text);
}
