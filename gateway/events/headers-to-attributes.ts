// Turns the headers of a record into attributes, in one pass: core attributes, extensions, content type and trace context.
// `header-roles.ts` decides what each header name means.
import type { AttributeValue } from '../../core/contract/event.ts';
import type { KafkaRecord } from '../../core/contract/record.ts';
import { quoted, textOf } from './attributes.ts';
import type { CoreAttributes } from './attributes.ts';
import { createHeaderRoles } from './header-roles.ts';
import type { HeaderRole } from './header-roles.ts';
import { createTextCache } from './text-cache.ts';

/**
 * What to do with `ce_` headers: `read` them as attributes of the event, `skip` them because they only repeat those of a structured
 * event, or `carry` them like any other header.
 */
export type AttributeHeaders = 'read' | 'skip' | 'carry';

export interface Headers extends CoreAttributes {
  readonly extensions: Record<string, AttributeValue>;
  /** The header `content-type`, which is the attribute `datacontenttype` in binary mode; empty where it is absent. */
  contentType: string;
  traceparent: string;
  tracestate: string;
  /** True where the record has any `ce_` header. */
  attributed: boolean;
  /** True where the record has a header of a required attribute, and so claims to be a CloudEvent. */
  cloudEvent: boolean;
  /** Why the headers are not those of a valid CloudEvent; empty where they are. */
  fault: string;
}

export type HeadersToAttributes = (
  record: KafkaRecord,
  extensions: Record<string, AttributeValue>,
  attributes: AttributeHeaders,
) => Headers;

/** The value of a header without one. */
const noBytes = Buffer.alloc(0);

type KnownTexts = ReturnType<typeof createTextCache>;

/** Reads the headers of a record and adds to the given `extensions`. Of several headers with one name, the last one counts. */
export function createHeadersToAttributes(): HeadersToAttributes {
  const roleOf = createHeaderRoles();
  const knownText = createTextCache();
  return (record, extensions, attributes) => {
    const headers: Headers = {
      specversion: '',
      id: '',
      source: '',
      type: '',
      subject: '',
      time: '',
      datacontenttype: '',
      dataschema: '',
      extensions,
      contentType: '',
      traceparent: '',
      tracestate: '',
      attributed: false,
      cloudEvent: false,
      fault: '',
    };
    for (const { name, value } of record.headers) {
      const role = roleOf(name);
      switch (role.kind) {
        case 'core':
        case 'extension':
        case 'owned':
        case 'invalid':
          headers.attributed = true;
          if (attributes === 'read') readAttribute(headers, role, name, value, knownText);
          else if (attributes === 'carry') carry(headers, role.carriedAs, value ?? noBytes);
          break;
        case 'content-type':
          readContentType(headers, role, name, value ?? noBytes, knownText);
          break;
        case 'trace':
          readTrace(headers, role, value ?? noBytes);
          break;
        case 'other':
          carry(headers, role.carriedAs, value ?? noBytes);
          break;
      }
    }
    return headers;
  };
}

function readAttribute(
  headers: Headers,
  role: HeaderRole,
  name: string,
  value: Buffer | null,
  knownText: KnownTexts,
): void {
  if (role.kind === 'core' && role.required) headers.cloudEvent = true;
  if (value === null || role.kind === 'owned') return;
  const text = role.kind === 'core' && role.repeated ? knownText(value, 0, value.length) : textOf(value);
  if (text === undefined) headers.fault = notText(name);
  else if (role.kind === 'core') headers[role.attribute] = text;
  else if (role.kind === 'extension') headers.extensions[role.attribute] = text;
  else
    headers.fault = `the header ${quoted(name)} does not name an attribute: only letters and digits are allowed`;
}

function readContentType(
  headers: Headers,
  role: HeaderRole,
  name: string,
  value: Buffer,
  knownText: KnownTexts,
): void {
  const text = knownText(value, 0, value.length);
  headers.contentType = text ?? '';
  if (text !== undefined) return;
  headers.fault = notText(name);
  carry(headers, role.carriedAs, value);
}

function readTrace(headers: Headers, role: Extract<HeaderRole, { kind: 'trace' }>, value: Buffer): void {
  const text = textOf(value);
  if (text === undefined) carry(headers, role.carriedAs, value);
  else headers[role.attribute] = text;
}

/**
 * Carries a header as the extension `kafkaheader<name>`. Bytes that a CloudEvents String cannot hold are carried in Base64, as
 * `kafkaheader<name>base64`, so that a reader can distinguish the two.
 */
function carry(headers: Headers, carriedAs: string, value: Buffer): void {
  const text = textOf(value);
  if (text === undefined) headers.extensions[`${carriedAs}base64`] = value.toString('base64');
  else headers.extensions[carriedAs] = text;
}

function notText(name: string): string {
  return `the header ${quoted(name)} is not UTF-8 text without control characters`;
}
