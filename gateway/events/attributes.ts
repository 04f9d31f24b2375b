// What CloudEvents 1.0.2 (section 3) allows in attributes, and the only place that assembles an event from texts. An empty text
// stands for an attribute that is not set, so that objects keep one shape.
import { isUtf8 } from 'node:buffer';
import type { AttributeValue, CloudEvent } from '../../core/contract/event.ts';

export type DecodeResult =
  | { readonly kind: 'event'; readonly event: CloudEvent }
  | { readonly kind: 'undecodable'; readonly reason: string };

export interface CoreAttributes {
  specversion: string;
  id: string;
  source: string;
  type: string;
  subject: string;
  time: string;
  datacontenttype: string;
  dataschema: string;
}

const coreNames: ReadonlySet<string> = new Set<keyof CoreAttributes>([
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
]);

/** Core attributes whose value differs from event to event. */
const uniqueNames: ReadonlySet<string> = new Set(['id', 'time', 'subject']);

// Section 3.1 of the specification, "String": no control characters, no lone surrogates, no noncharacters.
const forbidden = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;
const timestamp = new RegExp(
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt]/.source +
    /(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/.source,
);

export function emptyAttributes(): CoreAttributes {
  return {
    specversion: '',
    id: '',
    source: '',
    type: '',
    subject: '',
    time: '',
    datacontenttype: '',
    dataschema: '',
  };
}

/** True where `name` is an attribute of the core specification. */
export function isCoreName(name: string): name is keyof CoreAttributes {
  return coreNames.has(name);
}

/** True where `name` is a core attribute whose values repeat, so that caching their texts pays. */
export function isRepeated(name: string): boolean {
  return coreNames.has(name) && !uniqueNames.has(name);
}

/** True where `name` may name an extension attribute: lower-case letters and digits, no core attribute, not `data`. */
export function isExtensionName(name: string): boolean {
  for (let at = 0; at < name.length; at += 1) {
    const code = name.charCodeAt(at);
    if (!((code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39))) return false;
  }
  return name !== '' && name !== 'data' && !coreNames.has(name);
}

/** True where `text` may be the value of a CloudEvents String. */
export function isText(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code > 0x7e) return !forbidden.test(text);
  }
  return true;
}

/**
 * The UTF-8 text of `bytes` from `start` to before `end`; undefined where they are not UTF-8, or contain characters that a CloudEvents
 * String must not contain.
 */
export function textOf(bytes: Buffer, start = 0, end = bytes.length): string | undefined {
  for (let at = start; at < end; at += 1) {
    const byte = Number(bytes[at]);
    if (byte < 0x20 || byte > 0x7e) return unusualTextOf(bytes.subarray(start, end));
  }
  return bytes.toString('latin1', start, end);
}

function unusualTextOf(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  return isText(text) ? text : undefined;
}

/** True where `text` is an RFC 3339 timestamp. Its date must exist in the calendar; a leap second is accepted. */
export function isTimestamp(text: string): boolean {
  if (!timestamp.test(text)) return false;
  const day = (text.charCodeAt(8) - 0x30) * 10 + text.charCodeAt(9) - 0x30;
  if (day <= 28) return true;
  const monthEnd = new Date(0);
  monthEnd.setUTCFullYear(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0);
  return day <= monthEnd.getUTCDate();
}

export function undecodable(reason: string): DecodeResult {
  return { kind: 'undecodable', reason };
}

/** `name` as it appears in a reason: quoted, escaped, and cut at 64 characters. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
}

/** Assembles the event, or says why it is not valid: specversion 1.0, id, source and type are required, and time is RFC 3339. */
export function assembleEvent(
  core: CoreAttributes,
  extensions: Record<string, AttributeValue>,
  data: Buffer | null,
): DecodeResult {
  if (core.specversion !== '1.0') {
    if (core.specversion === '') return undecodable('the attribute specversion is missing');
    return undecodable(`the specversion is ${quoted(core.specversion)}, not "1.0"`);
  }
  if (core.id === '') return undecodable('the attribute id is missing or empty');
  if (core.source === '') return undecodable('the attribute source is missing or empty');
  if (core.type === '') return undecodable('the attribute type is missing or empty');
  if (core.time !== '' && !isTimestamp(core.time)) {
    return undecodable(`the time ${quoted(core.time)} is not an RFC 3339 timestamp`);
  }
  return {
    kind: 'event',
    event: {
      id: core.id,
      source: core.source,
      type: core.type,
      subject: core.subject === '' ? undefined : core.subject,
      time: core.time === '' ? undefined : core.time,
      datacontenttype: core.datacontenttype === '' ? undefined : core.datacontenttype,
      dataschema: core.dataschema === '' ? undefined : core.dataschema,
      extensions,
      data,
    },
  };
}
