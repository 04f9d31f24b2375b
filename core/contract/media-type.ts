// What a content type says about the bytes beside it, for the content modes and for the JSON format.

/** `structured` is the JSON event format; `unsupported` is a CloudEvents media type that Millrace does not read. */
export type CloudEventsMode = 'structured' | 'unsupported' | 'none';

/** The media type of `contentType` without its parameters, in lower case. */
export function mediaTypeOf(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

/**
 * The content mode that `contentType` announces (Kafka and HTTP bindings 1.0.2, section 3: matched by prefix,
 * any case).
 */
export function cloudEventsMode(contentType: string): CloudEventsMode {
  // Fast path: almost every other content type is shorter.
  if (contentType.length < 23) return 'none';
  const mediaType = mediaTypeOf(contentType);
  if (!mediaType.startsWith('application/cloudevents')) return 'none';
  return mediaType === 'application/cloudevents+json' ? 'structured' : 'unsupported';
}

/** True if the subtype is `json` or ends with `+json` (JSON format 1.0.2, section 3.1.1). */
export function isJsonMediaType(contentType: string): boolean {
  if (contentType === 'application/json') return true;
  const mediaType = mediaTypeOf(contentType);
  return mediaType.endsWith('/json') || (mediaType.endsWith('+json') && mediaType.includes('/'));
}

/** True if the bytes are text in UTF-8: `text/*` and XML, unless the type names another charset. */
export function isTextMediaType(contentType: string): boolean {
  const mediaType = mediaTypeOf(contentType);
  if (!mediaType.startsWith('text/') && !mediaType.endsWith('+xml') && mediaType !== 'application/xml')
    return false;
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType)?.[1]?.toLowerCase();
  return charset === undefined || charset === 'utf-8' || charset === 'us-ascii';
}
