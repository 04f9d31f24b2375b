// A text that somebody else replaces in a file, such as a token that the kubelet renews.
import { readFile } from 'node:fs/promises';
import { MillraceError } from '../contract/errors.ts';

/** As it was `checkMs` ago at most; 10,000 when absent. Rejects with MILLRACE_CREDENTIALS_UNUSABLE while it could never be read. */
export function createCachedFile(path: string, checkMs = 10_000): () => Promise<string> {
  let cached: { readonly text: string; readonly untilMs: number } | undefined;
  return async () => {
    const nowMs = performance.now();
    if (cached !== undefined && nowMs < cached.untilMs) return cached.text;
    try {
      cached = { text: (await readFile(path, 'utf8')).trim(), untilMs: nowMs + checkMs };
    } catch (cause) {
      if (cached === undefined)
        throw new MillraceError('MILLRACE_CREDENTIALS_UNUSABLE', `${path} cannot be read`, { cause });
    }
    return cached.text;
  };
}
