// Which partitions are stuck: records wait beyond the position, and the client neither fetches them nor is told by the broker
// that there is nothing. Pure: time comes from outside. A rebuild in vain makes the next one wait twice as long.

/** One partition that is to be fetched, at one look. Times in ms of one clock. */
export interface Fetching {
  readonly name: string;
  /** The next offset to fetch. */
  readonly position: bigint;
  /** One past the last record that can be fetched. */
  readonly end: bigint;
  /**
   * When the broker last answered a fetch here with nothing: the client is at work, and what lies there is no record, such as
   * the empty batch that compaction leaves behind.
   */
  readonly answeredMs: number | undefined;
}

export interface StallVerdict {
  /** Names, sorted: those that are stuck, and those that a rebuild has not brought to move yet. */
  readonly stalled: readonly string[];
  /** The client is to be rebuilt now. */
  readonly rebuild: boolean;
}

interface Standing {
  readonly position: bigint;
  sinceMs: number;
  rebuilds: number;
}

const maxDoublings = 5;

export class Stalls {
  readonly #limitMs: number;
  readonly #longestDelayMs: number;
  readonly #standing = new Map<string, Standing>();
  #lastLookMs = Number.NEGATIVE_INFINITY;

  /**
   * A position may stand still for `limitMs` while records wait. Where two looks lie further apart than `longestDelayMs`, the
   * process itself stood still, and nothing follows.
   */
  constructor(limitMs: number, longestDelayMs: number) {
    this.#limitMs = limitMs;
    this.#longestDelayMs = longestDelayMs;
  }

  /** What is not in `fetching` is not to be fetched at present, and starts afresh when it is. */
  look(fetching: readonly Fetching[], nowMs: number): StallVerdict {
    const wasAway = nowMs - this.#lastLookMs > this.#longestDelayMs;
    this.#lastLookMs = nowMs;
    const before = new Map(this.#standing);
    this.#standing.clear();
    const stalled: string[] = [];
    let rebuild = false;
    for (const one of fetching) {
      if (one.end <= one.position) continue;
      const standing = standingOf(one, before.get(one.name), nowMs, wasAway);
      this.#standing.set(one.name, standing);
      const waitedMs = nowMs - standing.sinceMs;
      const isDue = waitedMs >= this.#limitMs * 2 ** Math.min(standing.rebuilds, maxDoublings);
      if (isDue || standing.rebuilds > 0) stalled.push(one.name);
      if (!isDue) continue;
      rebuild = true;
      standing.rebuilds += 1;
      standing.sinceMs = nowMs;
    }
    return { stalled: stalled.sort(), rebuild };
  }
}

function standingOf(
  { position, answeredMs }: Fetching,
  before: Standing | undefined,
  nowMs: number,
  wasAway: boolean,
): Standing {
  if (before?.position !== position) return { position, sinceMs: nowMs, rebuilds: 0 };
  if (answeredMs !== undefined && answeredMs > before.sinceMs)
    return { position, sinceMs: answeredMs, rebuilds: 0 };
  return wasAway ? { ...before, sinceMs: nowMs } : before;
}
