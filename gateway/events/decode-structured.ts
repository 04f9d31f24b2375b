// Decodes the JSON event format 1.0.2: bytes → event. The bytes of the member `data` are kept unchanged.
import type { AttributeValue } from '../../core/contract/event.ts';
import {
  assembleEvent,
  emptyAttributes,
  isCoreName,
  isExtensionName,
  isRepeated,
  isText,
  quoted,
  textOf,
  undecodable,
} from './attributes.ts';
import type { CoreAttributes, DecodeResult } from './attributes.ts';
import { membersOf, stringAt } from './json-bytes.ts';
import { createTextCache } from './text-cache.ts';
import { isJsonMediaType } from '../../core/contract/media-type.ts';

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;
const maxInteger = 2 ** 31;
const knownText = createTextCache();

/** The members of the event. The indexes are -1 where data or data_base64 is absent or null. */
interface Envelope {
  readonly core: CoreAttributes;
  readonly extensions: Record<string, AttributeValue>;
  dataStart: number;
  dataEnd: number;
  base64Start: number;
  base64End: number;
}

/**
 * The event that `bytes` hold in the JSON format. `null` means an attribute that is not set, or no data. `data` without a
 * `datacontenttype` is `application/json` (section 3.1.2). A number that is not an Integer of CloudEvents (32 bits) becomes its
 * text. Extensions are added to `extensions`; `kafka…` extensions that are there already are not overwritten.
 */
export function decodeStructured(bytes: Buffer, extensions: Record<string, AttributeValue>): DecodeResult {
  const members = membersOf(bytes);
  if (members === undefined) return undecodable('the structured event is not a JSON object in UTF-8');
  const envelope: Envelope = {
    core: emptyAttributes(),
    extensions,
    dataStart: -1,
    dataEnd: -1,
    base64Start: -1,
    base64End: -1,
  };
  for (let index = 0; index < members.length; index += 4) {
    const fault = readMember(envelope, bytes, members, index);
    if (fault !== '') return undecodable(fault);
  }
  const { core } = envelope;
  if (envelope.base64Start !== -1) return withBase64(bytes, envelope);
  if (envelope.dataStart === -1) return assembleEvent(core, extensions, null);
  if (core.datacontenttype === '') core.datacontenttype = 'application/json';
  return assembleEvent(
    core,
    extensions,
    dataAt(bytes, envelope.dataStart, envelope.dataEnd, core.datacontenttype),
  );
}

/** Reads the member whose four indexes begin at `index`. Returns what is wrong with it, or the empty text. */
function readMember(envelope: Envelope, bytes: Buffer, members: readonly number[], index: number): string {
  const name = repeatedStringAt(bytes, Number(members[index]), Number(members[index + 1]));
  const start = Number(members[index + 2]);
  const end = Number(members[index + 3]);
  const isNull = bytes[start] === 0x6e;
  if (name === 'data') {
    envelope.dataStart = isNull ? -1 : start;
    envelope.dataEnd = end;
  } else if (name === 'data_base64') {
    envelope.base64Start = isNull ? -1 : start;
    envelope.base64End = end;
  } else if (!isNull) {
    const value = attributeAt(bytes, start, end, isRepeated(name));
    if (value === undefined)
      return `the attribute ${quoted(name)} has a value that CloudEvents does not allow`;
    if (isCoreName(name)) {
      if (typeof value !== 'string') return `the attribute ${name} is not a string`;
      envelope.core[name] = value;
    } else if (isExtensionName(name)) {
      if (!name.startsWith('kafka') || !Object.hasOwn(envelope.extensions, name))
        envelope.extensions[name] = value;
    } else {
      return `the attribute name ${quoted(name)} may contain only lower-case letters and digits`;
    }
  }
  return '';
}

function withBase64(bytes: Buffer, envelope: Envelope): DecodeResult {
  if (envelope.dataStart !== -1) return undecodable('the structured event has both data and data_base64');
  const { base64Start: start, base64End: end } = envelope;
  const text = bytes[start] === 0x22 ? stringAt(bytes, start, end) : '?';
  if (text.length % 4 !== 0 || !base64.test(text))
    return undecodable('the member data_base64 is not a string in Base64');
  return assembleEvent(envelope.core, envelope.extensions, Buffer.from(text, 'base64'));
}

/** The data from `start` to before `end`: unchanged JSON, or, where the type is not JSON, the text of a JSON string. */
function dataAt(bytes: Buffer, start: number, end: number, contentType: string): Buffer {
  if (bytes[start] === 0x22 && !isJsonMediaType(contentType))
    return Buffer.from(stringAt(bytes, start, end), 'utf8');
  return bytes.subarray(start, end);
}

/** The value from `start` to before `end` in the CloudEvents type system (JSON format, section 2.2); undefined where it is invalid. */
function attributeAt(
  bytes: Buffer,
  start: number,
  end: number,
  repeated: boolean,
): AttributeValue | undefined {
  switch (bytes[start]) {
    case 0x22: {
      const plain = repeated ? knownText(bytes, start + 1, end - 1) : textOf(bytes, start + 1, end - 1);
      if (plain !== undefined && !plain.includes('\\')) return plain;
      const text = stringAt(bytes, start, end);
      return isText(text) ? text : undefined;
    }
    case 0x74:
      return true;
    case 0x66:
      return false;
    case 0x5b:
    case 0x7b:
      return undefined;
    default: {
      const text = bytes.toString('latin1', start, end);
      const number = Number(text);
      return Number.isInteger(number) && number >= -maxInteger && number < maxInteger ? number : text;
    }
  }
}

/** Like `stringAt`, with a cache, for names: they repeat. */
function repeatedStringAt(bytes: Buffer, start: number, end: number): string {
  const text = knownText(bytes, start + 1, end - 1);
  return text === undefined || text.includes('\\') ? stringAt(bytes, start, end) : text;
}
