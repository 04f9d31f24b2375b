// What can be said of a bearer token before anybody vouches for it, and how to speak of one, and of who shows it, without repeating it.
import { describeError } from '../contract/errors.ts';

/** More than any token that is meant well has; headers of a request are no longer either. */
const mostCharacters = 16_384;
/** A piece that long is taken for one of the token; shorter ones tell nothing. */
const tellingCharacters = 8;
const mostDescription = 1_000;
const mostName = 512;

/** Whether it is worth a question: of bounded length, in visible ASCII (RFC 6750, section 2.1, and all opaque tokens that are known). */
export function isPresentable(token: string): boolean {
  return token.length <= mostCharacters && /^[\x21-\x7e]+$/.test(token);
}

/**
 * What a JWT claims, unverified: good to choose who is asked about it, and for nothing else. Undefined where it is none (RFC 7519, in the compact form of
 * RFC 7515).
 */
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

/** What went wrong with a token, told again without a piece of it, whatever was quoted: a cause for the log. */
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

/** Of the longest beginning of `text` that is a piece of the token; 0 where that is too short to tell anything. */
function commonLength(text: string, token: string): number {
  let length = Math.min(tellingCharacters, token.length);
  if (length === 0 || text.length < length || !token.includes(text.slice(0, length))) return 0;
  while (length < text.length && token.includes(text.slice(0, length + 1))) length += 1;
  return length;
}

/** A name as it may stand in a line of a log: bounded, and without characters that are not seen. */
export function auditName(name: string): string {
  const seen = name.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '�');
  return seen.length <= mostName ? seen : `${seen.slice(0, mostName - 1).toWellFormed()}…`;
}
