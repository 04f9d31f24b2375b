// In which namespaces a caller has a right, for routes that list what lies in many of them.
import { setTimeout as delay } from 'node:timers/promises';
import type { Caller, Right } from '../contract/callers.ts';
import { MillraceError } from '../contract/errors.ts';

/** Checks of one caller at once, so that no caller of a long list takes all turns. */
const atOnce = 8;
/** Shorter than the patience of those who ask (10 s, http-server.ts). */
const limitMs = 8_000;

export interface VisibleNamespacesOptions {
  readonly right: Right;
  /** May have duplicates. */
  readonly namespaces: Iterable<string>;
  readonly limitMs?: number;
}

/**
 * The namespaces in which the caller has the right; all of them, without a check for each, if the caller has it everywhere. A list never lacks
 * a namespace only because its check takes long: then this rejects with MILLRACE_ACCESS_UNKNOWN. The checks that were made are cached by then,
 * so the next call continues from there.
 */
export async function visibleNamespaces(
  caller: Caller,
  { right, namespaces, limitMs: limit = limitMs }: VisibleNamespacesOptions,
): Promise<ReadonlySet<string>> {
  const all = new Set(namespaces);
  if (all.size === 0 || (await caller.may(right, undefined))) return all;
  const visible = new Set<string>();
  const remaining = all.values();
  const ending = new AbortController();
  const check = async (): Promise<void> => {
    for (const namespace of remaining) {
      if (await caller.may(right, namespace)) visible.add(namespace);
      if (ending.signal.aborted) return;
    }
  };
  const late = delay(limit, undefined, { signal: ending.signal }).then(() => {
    throw new MillraceError('MILLRACE_ACCESS_UNKNOWN', `${all.size} namespaces could not be checked in time`);
  });
  late.catch(() => undefined);
  try {
    await Promise.race([late, Promise.all(Array.from({ length: atOnce }, check))]);
  } finally {
    ending.abort();
  }
  return visible;
}
