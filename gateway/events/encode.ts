// Encodes events as HTTP requests (HTTP protocol binding 1.0.2): a flat list of headers, and a body. Every header
// name is `ce-<attribute>`, `content-type`, `traceparent` or `tracestate`, and no value can contain a line break.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { FunctionSettings } from '../../core/contract/subscription.ts';
import { isExtensionName } from './attributes.ts';
import { encodeJson, joinBatch, memberOf, type JsonMember } from './encode-json.ts';
import { percentEncode } from './percent-encoding.ts';

export interface RequestParts {
  /** name, value, name, value, …. The caller owns the list and may add to it. */
  readonly headers: string[];
  /** Null for an event without data. */
  readonly body: Buffer | null;
}

export type Encode = (event: CloudEvent) => RequestParts;

/** Names in the cache of an encoder; see `header-roles.ts`. */
const maxKnownNames = 1_000;

// The characters of attributes that a header value may contain (RFC 9110, section 5.5).
const headerText = /^[\x20-\x7e]*$/;

/** The encoder of one trigger. In the mode `batched` it makes batches of one; see `encodeBatch` for many. */
export function createEncode(settings: Pick<FunctionSettings, 'contentMode'>): Encode {
  switch (settings.contentMode) {
    case 'binary':
      return createEncodeBinary();
    case 'structured':
      return encodeStructured;
    case 'batched':
      return (event) => encodeBatch([memberOf(event)]);
  }
}

/** The structured content mode, with the trace context as headers too (W3C Trace Context). */
function encodeStructured(event: CloudEvent): RequestParts {
  const headers = ['content-type', 'application/cloudevents+json; charset=utf-8'];
  addTrace(headers, event);
  return { headers, body: encodeJson(event) };
}

/** The batched content mode, from members whose sizes were known before the batch was closed. */
export function encodeBatch(members: readonly JsonMember[]): RequestParts {
  return {
    headers: ['content-type', 'application/cloudevents-batch+json; charset=utf-8'],
    body: joinBatch(members),
  };
}

/** The binary content mode. An extension with an invalid name is left out; decoding never produces one. */
export function createEncodeBinary(): Encode {
  const headerNameOf = createHeaderNames();
  return (event) => {
    const headers = [
      'ce-specversion',
      '1.0',
      'ce-id',
      percentEncode(event.id),
      'ce-source',
      percentEncode(event.source),
      'ce-type',
      percentEncode(event.type),
    ];
    if (event.subject !== undefined) headers.push('ce-subject', percentEncode(event.subject));
    if (event.time !== undefined) headers.push('ce-time', percentEncode(event.time));
    if (event.dataschema !== undefined) headers.push('ce-dataschema', percentEncode(event.dataschema));
    if (event.datacontenttype !== undefined)
      headers.push('content-type', contentTypeHeader(event.datacontenttype));
    const { extensions } = event;
    for (const name in extensions) {
      const headerName = headerNameOf(name);
      const value = extensions[name];
      if (headerName !== '')
        headers.push(headerName, typeof value === 'string' ? percentEncode(value) : String(value));
    }
    addTrace(headers, event);
    return { headers, body: event.data };
  };
}

/** `ce-<name>`, or the empty text where `name` is not a valid extension name. */
function createHeaderNames(): (name: string) => string {
  const known = new Map<string, string>();
  return (name) => {
    const headerName = known.get(name);
    if (headerName !== undefined) return headerName;
    const found = isExtensionName(name) ? `ce-${name}` : '';
    if (known.size < maxKnownNames) known.set(name, found);
    return found;
  };
}

/** The binding does not percent-encode a content type (section 3.1.1). Here one is encoded if a header could not hold it otherwise. */
function contentTypeHeader(contentType: string): string {
  return headerText.test(contentType) ? contentType : percentEncode(contentType);
}

/** Adds `traceparent` and `tracestate` beside `ce-traceparent` and `ce-tracestate` (section 3.1.3). */
function addTrace(headers: string[], event: CloudEvent): void {
  const { traceparent, tracestate } = event.extensions;
  if (typeof traceparent !== 'string' || !headerText.test(traceparent)) return;
  headers.push('traceparent', traceparent);
  if (typeof tracestate === 'string' && headerText.test(tracestate)) headers.push('tracestate', tracestate);
}
