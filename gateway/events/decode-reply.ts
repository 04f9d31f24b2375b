// Decodes the answer of a function as an event (HTTP protocol binding 1.0.2): binary, structured, or no event at all.
import type { AttributeValue, CloudEvent } from '../../core/contract/event.ts';
import { assembleEvent, emptyAttributes, isCoreName, isExtensionName, isText, quoted } from './attributes.ts';
import type { DecodeResult } from './attributes.ts';
import { decodeStructured } from './decode-structured.ts';
import { cloudEventsMode } from '../../core/contract/media-type.ts';
import { percentDecode } from './percent-encoding.ts';

export type ReplyResult =
  | { readonly kind: 'reply'; readonly event: CloudEvent }
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid'; readonly reason: string };

/** Headers of a response with names in lower case. */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const none: ReplyResult = { kind: 'none' };

/**
 * The reply in a response. A response with a CloudEvents content type, or with a header of a required attribute, claims to be an
 * event, and is invalid where it is not a valid one. Any other response, with or without a body, is no reply.
 */
export function decodeReply(headers: ResponseHeaders, body: Buffer): ReplyResult {
  const contentType = textHeader(headers['content-type']);
  switch (cloudEventsMode(contentType)) {
    case 'structured':
      return replyOf(decodeStructured(body, {}));
    case 'unsupported':
      return {
        kind: 'invalid',
        reason: `the event format ${quoted(contentType)} is not supported in replies`,
      };
    case 'none':
      return isAttributed(headers) ? binaryReply(headers, contentType, body) : none;
  }
}

function isAttributed(headers: ResponseHeaders): boolean {
  return (
    headers['ce-specversion'] !== undefined ||
    headers['ce-id'] !== undefined ||
    headers['ce-source'] !== undefined ||
    headers['ce-type'] !== undefined
  );
}

function binaryReply(headers: ResponseHeaders, contentType: string, body: Buffer): ReplyResult {
  const core = emptyAttributes();
  const extensions: Record<string, AttributeValue> = {};
  for (const name in headers) {
    if (!name.startsWith('ce-')) continue;
    const value = headers[name];
    if (typeof value !== 'string')
      return { kind: 'invalid', reason: `the header ${quoted(name)} appears more than once` };
    const text = percentDecode(value);
    if (text === undefined || !isText(text)) {
      return { kind: 'invalid', reason: `the header ${quoted(name)} is not percent-encoded text` };
    }
    const attribute = name.slice(3);
    if (isCoreName(attribute)) core[attribute] = text;
    else if (isExtensionName(attribute)) extensions[attribute] = text;
    else return { kind: 'invalid', reason: `the header ${quoted(name)} does not name an attribute` };
  }
  if (contentType !== '') core.datacontenttype = contentType;
  return replyOf(assembleEvent(core, extensions, body.length === 0 ? null : body));
}

function replyOf(result: DecodeResult): ReplyResult {
  return result.kind === 'event'
    ? { kind: 'reply', event: result.event }
    : { kind: 'invalid', reason: result.reason };
}

function textHeader(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : (value?.[0] ?? '');
}
