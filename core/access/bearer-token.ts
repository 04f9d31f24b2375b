// Checks of a bearer token before anybody verifies it, and texts for log and audit that contain no part of a token. Pure.
import { describeError } from '../contract/errors.ts';

/** More than any honest token has; the headers of a request are limited to the same length. */
const mostCharacters = 16_384;
/** A piece of this length counts as a part of the token; shorter ones reveal nothing. */
const tellingCharacters = 8;
const mostDescription = 1_000;
const mostName = 512;

/** Whether a token is worth a request: of limited length, in visible ASCII (RFC 6750, section 2.1, and all known opaque tokens). */
export function isPresentable(token: string): boolean {
  return token.length <= mostCharacters && /^[\x21-\x7e]+$/.test(token);
}

/** The claims of a JWT, unverified: use them only to choose who verifies it. Undefined if it is no JWT (RFC 7519, compact form of RFC 7515). */
export function readClaims(token: string): Readonly<Record<string, unknown>> | undefined {
  const parts = token.split('.');
  const [, payload] = parts;
  if (parts.length !== 3 || payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims)
      ? (claims as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The message of `error` as a new error, without any part of the token that it may quote: a cause for the log. */
export function withoutToken(error: unknown, token: string): Error {
  return new Error(mask(describeError(error).slice(0, mostDescription), token));
}

function mask(text: string, token: string): string {
  let masked = '';
  for (let at = 0; at < text.length;) {
    const length = commonLength(text.slice(at), token);
    masked += length === 0 ? text.charAt(at) : '***';
    at += Math.max(length, 1);
  }
  return masked;
}

/** Length of the longest prefix of `text` that is part of the token; 0 if that is too short to reveal anything. */
function commonLength(text: string, token: string): number {
  let length = Math.min(tellingCharacters, token.length);
  if (length === 0 || text.length < length || !token.includes(text.slice(0, length))) return 0;
  while (length < text.length && token.includes(text.slice(0, length + 1))) length += 1;
  return length;
}

/** A name that is safe in a line of a log: of limited length, and without invisible characters. */
export function auditName(name: string): string {
  const seen = name.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '�');
  return seen.length <= mostName ? seen : `${seen.slice(0, mostName - 1).toWellFormed()}…`;
}
