// Recognizes one fixed token, for a single machine or an installation without API server and OpenID provider. Its bearer has every right.
import { createHash, timingSafeEqual } from 'node:crypto';
import { auditName } from './bearer-token.ts';
import type { Recognizer } from '../contract/callers.ts';
import { MillraceError } from '../contract/errors.ts';

export interface StaticTokenOptions {
  readonly token: string;
  /** Name of its bearer in the audit log. */
  readonly name: string;
}

/** Throws MILLRACE_CONFIG_INVALID if the token is empty. */
export function createStaticToken({ token, name }: StaticTokenOptions): Recognizer {
  if (token === '') throw new MillraceError('MILLRACE_CONFIG_INVALID', `the token of ${name} is empty`);
  const wanted = digestOf(token);
  const caller = { name: auditName(name), may: async () => true };
  return {
    // Digests have one length, so the time of the comparison reveals nothing of the token.
    recognize: async (shown) =>
      timingSafeEqual(digestOf(shown), wanted) ? { kind: 'caller', caller } : { kind: 'unknown' },
    close: async () => {},
  };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
