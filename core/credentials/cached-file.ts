// Reads a file that another process replaces, such as a token that the kubelet renews, and caches its text for seconds.
import { readFile } from 'node:fs/promises';
import { MillraceError } from '../contract/errors.ts';

/** Returns the text, at most `checkMs` old. If a read fails, the last text counts; MILLRACE_CREDENTIALS_UNUSABLE if there was none yet. */
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
