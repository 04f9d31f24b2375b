// The work queue: a key is in it once, however often it is added; it is never processed twice at a time; after a failure it is requeued with
// exponential backoff. Adding and taking cost the same however many keys there are. Pure: the caller has the clock and the timers.

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
  /** How many keys wait to be processed at once. */
  readonly depth: number;
}

const immediately = Number.NEGATIVE_INFINITY;

export function createWorkQueue({ baseMs, maxMs, random }: WorkQueueOptions): WorkQueue {
  /** Due at once, in the order in which they were added. */
  const ready = new Set<string>();
  /** When each of the other keys is due; the heap may hold earlier or later times of a key, which count for nothing. */
  const later = new Map<string, number>();
  const heap: Due[] = [];
  const processing = new Set<string>();
  /** Keys that were added while they were processed, and when they are due. */
  const again = new Map<string, number>();
  const failures = new Map<string, number>();

  const addAt = (key: string, atMs: number): void => {
    if (processing.has(key)) {
      again.set(key, Math.min(atMs, again.get(key) ?? Infinity));
    } else if (atMs === immediately) {
      later.delete(key);
      ready.add(key);
    } else if (!ready.has(key) && atMs < (later.get(key) ?? Infinity)) {
      later.set(key, atMs);
      push(heap, { key, atMs });
    }
  };

  /** The key that is due first of those for later. */
  function first(): Due | undefined {
    while (heap[0] !== undefined && later.get(heap[0].key) !== heap[0].atMs) pop(heap);
    return heap[0];
  }

  function release(key: string): void {
    processing.delete(key);
    const atMs = again.get(key);
    again.delete(key);
    if (atMs !== undefined) addAt(key, atMs);
  }

  return {
    add: (key) => addAt(key, immediately),
    addAt,
    take(nowMs) {
      for (let due = first(); due !== undefined && due.atMs <= nowMs; due = first()) {
        later.delete(due.key);
        ready.add(due.key);
      }
      const [key] = ready;
      if (key === undefined) return undefined;
      ready.delete(key);
      processing.add(key);
      return key;
    },
    done(key) {
      failures.delete(key);
      release(key);
    },
    failed(key, nowMs) {
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      const backoffMs = Math.min(maxMs, baseMs * 2 ** (count - 1));
      release(key);
      addAt(key, nowMs + backoffMs * (0.5 + random() / 2));
      return count;
    },
    nextMs: () => (ready.size > 0 ? immediately : first()?.atMs),
    get depth() {
      return ready.size;
    },
  };
}

interface Due {
  readonly key: string;
  readonly atMs: number;
}

/** A binary heap: the entry that is due first is the first. */
function push(heap: Due[], entry: Due): void {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as Due;
    if (above.atMs <= entry.atMs) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: Due[]): void {
  const last = heap.pop() as Due;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    const [left, right] = [heap[child], heap[child + 1]];
    if (left === undefined) break;
    if (right !== undefined && right.atMs < left.atMs) child += 1;
    const below = heap[child] as Due;
    if (below.atMs >= last.atMs) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = last;
}
