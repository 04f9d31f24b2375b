// What is to be done, by key: once however often it was asked for, never twice at a time, and later each time it fails. Pure:
// whoever owns it has the clock and the timers.

export interface WorkQueueOptions {
  /** Milliseconds after the first failure; doubled by each that follows. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** From 0 to 1: spreads what failed together. */
  readonly random: () => number;
}

export interface WorkQueue {
  /** At once, even where it waits for a later time; where it is under way, again when that is done. */
  add(key: string): void;
  /** At `atMs`, unless it is due earlier. */
  addAt(key: string, atMs: number): void;
  /** The key that has been due the longest; it is under way from now on. Undefined where none is. */
  take(nowMs: number): string | undefined;
  /** It succeeded: the next failure is a first one. */
  done(key: string): void;
  /** It failed, and is due again after its wait. Returns how often it has failed in a row. */
  failed(key: string, nowMs: number): number;
  /** When the next is due, in the clock of `take`; undefined where nothing waits. */
  nextMs(): number | undefined;
}

const atOnce = Number.NEGATIVE_INFINITY;

export function createWorkQueue({ baseMs, maxMs, random }: WorkQueueOptions): WorkQueue {
  /** When each is due; what is under way may be in it too. */
  const due = new Map<string, number>();
  const underWay = new Set<string>();
  const failures = new Map<string, number>();

  const addAt = (key: string, atMs: number): void => {
    const known = due.get(key);
    if (known === undefined || atMs < known) due.set(key, atMs);
  };

  function first(): [key: string, atMs: number] | undefined {
    let found: [string, number] | undefined;
    for (const entry of due)
      if (!underWay.has(entry[0]) && (found === undefined || entry[1] < found[1])) found = entry;
    return found;
  }

  return {
    add: (key) => addAt(key, atOnce),
    addAt,
    take(nowMs) {
      const [key, atMs] = first() ?? [];
      if (key === undefined || atMs === undefined || atMs > nowMs) return undefined;
      due.delete(key);
      underWay.add(key);
      return key;
    },
    done(key) {
      underWay.delete(key);
      failures.delete(key);
    },
    failed(key, nowMs) {
      underWay.delete(key);
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      const waitMs = Math.min(maxMs, baseMs * 2 ** (count - 1));
      addAt(key, nowMs + waitMs * (0.5 + random() / 2));
      return count;
    },
    nextMs: () => first()?.[1],
  };
}
