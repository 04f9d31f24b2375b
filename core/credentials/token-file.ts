// A text that somebody else replaces in a file, such as a token that the kubelet renews.
import { readFile } from 'node:fs/promises';
import { MillraceError } from '../contract/errors.ts';

/** As it was `lookMs` ago at most; 10,000 when absent. Rejects with MILLRACE_CREDENTIALS_UNUSABLE while it could never be read. */
export function createKeptFile(path: string, lookMs = 10_000): () => Promise<string> {
  let kept: { readonly text: string; readonly untilMs: number } | undefined;
  return async () => {
    const nowMs = performance.now();
    if (kept !== undefined && nowMs < kept.untilMs) return kept.text;
    try {
      kept = { text: (await readFile(path, 'utf8')).trim(), untilMs: nowMs + lookMs };
    } catch (cause) {
      if (kept === undefined)
        throw new MillraceError('MILLRACE_CREDENTIALS_UNUSABLE', `${path} cannot be read`, { cause });
    }
    return kept.text;
  };
}
