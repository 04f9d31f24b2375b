// The work queue: a key is in it once, however often it is added; it is never processed twice at a time; after a failure it is requeued with
// exponential backoff. Pure: the caller has the clock and the timers.

export interface WorkQueueOptions {
  /** Milliseconds after the first failure; doubled after each further one in a row. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** From 0 to 1: jitter, so that keys that fail together are not retried together. */
  readonly random: () => number;
}

export interface WorkQueue {
  /** Makes the key due at once, even if it is queued for later. A key that is being processed is due again when that is done. */
  add(key: string): void;
  /** Makes the key due at `atMs`, unless it is due earlier. */
  addAt(key: string, atMs: number): void;
  /** The key that has been due the longest; it counts as being processed from now on. Undefined if none is due. */
  take(nowMs: number): string | undefined;
  /** Processing succeeded: this resets the backoff. */
  done(key: string): void;
  /** Processing failed: the key is due again after its backoff. Returns the number of failures in a row. */
  failed(key: string, nowMs: number): number;
  /** When the next key is due, by the clock of `take`; undefined if none is queued. */
  nextMs(): number | undefined;
}

const immediately = Number.NEGATIVE_INFINITY;

export function createWorkQueue({ baseMs, maxMs, random }: WorkQueueOptions): WorkQueue {
  /** When each key is due. A key that is being processed may be in it too. */
  const due = new Map<string, number>();
  const processing = new Set<string>();
  const failures = new Map<string, number>();

  const addAt = (key: string, atMs: number): void => {
    const known = due.get(key);
    if (known === undefined || atMs < known) due.set(key, atMs);
  };

  function first(): [key: string, atMs: number] | undefined {
    let found: [string, number] | undefined;
    for (const entry of due)
      if (!processing.has(entry[0]) && (found === undefined || entry[1] < found[1])) found = entry;
    return found;
  }

  return {
    add: (key) => addAt(key, immediately),
    addAt,
    take(nowMs) {
      const [key, atMs] = first() ?? [];
      if (key === undefined || atMs === undefined || atMs > nowMs) return undefined;
      due.delete(key);
      processing.add(key);
      return key;
    },
    done(key) {
      processing.delete(key);
      failures.delete(key);
    },
    failed(key, nowMs) {
      processing.delete(key);
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      const backoffMs = Math.min(maxMs, baseMs * 2 ** (count - 1));
      addAt(key, nowMs + backoffMs * (0.5 + random() / 2));
      return count;
    },
    nextMs: () => first()?.[1],
  };
}
