// One request as bytes (RFC 9112, section 3): a POST whose length is known. Pure.
import { fieldName, fieldText } from './field-syntax.ts';

/** Longest body that is copied behind its head, so that both leave in one write, in bytes. A longer one is written as it is, after the head. */
const longestCopied = 32_768;

const pathText = /^\/[\x21-\x7e]*$/;

/** What all requests to a path of an endpoint begin with. Throws a TypeError for a path that a request line cannot hold. */
export function requestPrefix(authority: string, path: string): string {
  if (!pathText.test(path)) throw new TypeError(`a request cannot name the path ${JSON.stringify(path)}`);
  return `POST ${path} HTTP/1.1\r\nhost: ${authority}\r\naccept-encoding: identity\r\n`;
}

/** A request in one buffer, or its head and a long body. */
export type RequestBytes = readonly [Buffer] | readonly [head: Buffer, body: Buffer];

/**
 * The request in one buffer, or in two. `headers`: name, value, name, value, …, as Latin-1. Throws a TypeError for a name or a value that could
 * not be told from other lines.
 */
export function encodeRequest(prefix: string, headers: readonly string[], body: Buffer | null): RequestBytes {
  let head = prefix;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string;
    const value = headers[index + 1] as string;
    if (!fieldName.test(name) || !fieldText.test(value))
      throw new TypeError(
        `a request cannot carry the header ${JSON.stringify(name)}: ${JSON.stringify(value)}`,
      );
    head += `${name}: ${value}\r\n`;
  }
  const size = body?.length ?? 0;
  head += `content-length: ${size}\r\n\r\n`;
  if (body === null || size > longestCopied) {
    const bytes = Buffer.from(head, 'latin1');
    return body === null ? [bytes] : [bytes, body];
  }
  const bytes = Buffer.allocUnsafe(head.length + size);
  bytes.write(head, 'latin1');
  body.copy(bytes, head.length);
  return [bytes];
}
