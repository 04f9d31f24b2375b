// One token that is set by hand, on one machine or where no API server and no provider is: who bears it may do everything.
import { createHash, timingSafeEqual } from 'node:crypto';
import { auditName } from './bearer-token.ts';
import type { Recognizer } from '../contract/callers.ts';
import { MillraceError } from '../contract/errors.ts';

export interface StaticTokenOptions {
  readonly token: string;
  /** Of whoever bears it, as the audit log has it. */
  readonly name: string;
}

/** Throws MILLRACE_CONFIG_INVALID where the token is empty: nobody is to bear that. */
export function createStaticToken({ token, name }: StaticTokenOptions): Recognizer {
  if (token === '') throw new MillraceError('MILLRACE_CONFIG_INVALID', `the token of ${name} is empty`);
  const wanted = digestOf(token);
  const caller = { name: auditName(name), may: async () => true };
  return {
    // Digests are of one length: how long it takes tells nothing of the token.
    recognize: async (shown) =>
      timingSafeEqual(digestOf(shown), wanted) ? { kind: 'caller', caller } : { kind: 'unknown' },
    close: async () => {},
  };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
