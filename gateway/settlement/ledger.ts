// The ledger of one partition: which offsets are open and which are settled. Pure: no clock, no I/O.
//
//   offset    100 101 102     104 105 106     (103 does not exist: compacted, or a transaction marker)
//   settled    ■   ■   □       ■   □   ■
//                      ▲                   ▲
//                  position               end      mark: from 102, open 102 and 105, end 107
//
// Invariant: every fetched offset below `position` is settled, and no other offset than `position` may be committed. The mark beside it
// records what is settled beyond it. No offset at or above the `horizon` is attempted, so that the mark has room for all that are.
import { markRoom, maxMarkBytes, type ProgressMark } from '../../core/contract/marks/progress-mark.ts';
import { OpenOffsets } from './open-offsets.ts';

/** This part of a mark is reserved for attempts, so that stuck records keep their count, however much is settled behind them. */
const attemptsShare = 1 / 6;

const noAttempts: ReadonlyMap<bigint, number> = new Map();

export class Ledger {
  readonly #open: OpenOffsets;
  #end: bigint;
  /** The highest offset that is settled beyond `position`; where there is none, any offset below `position`. */
  #highest: bigint;
  /**
   * The open offsets of the initial mark, ascending. They apply to offsets from `#end` on, until `#end` reaches the end of that mark.
   */
  #restoredOpen: readonly bigint[];
  readonly #restoredEnd: bigint;
  readonly #restoredAttempts: ReadonlyMap<bigint, number>;
  #maxBytes = 0;
  /**
   * In a mark of `#maxBytes`: the bytes for the open set, the offsets that a bitmap of them covers, and the distance of `#end` from
   * `position` up to which a list covers no more than that bitmap.
   */
  #room = 0;
  #reach = 0n;
  #near = 0n;

  /**
   * `nextOffset`: the first offset that is not settled yet, such as the committed one. `mark`: what is known beyond it. Its open
   * offsets, and all offsets from its end on, are tracked as they are fetched.
   */
  constructor(nextOffset: bigint, mark?: ProgressMark) {
    this.#open = new OpenOffsets(nextOffset);
    this.#end = nextOffset;
    this.#restoredOpen = mark?.open ?? [];
    this.#restoredEnd = mark?.end ?? nextOffset;
    this.#restoredAttempts = mark?.attempts ?? noAttempts;
    this.#highest = this.#restoredEnd - 1n;
  }

  /** The end of the contiguous settled prefix: the offset to commit, which in Kafka is the next offset to read. */
  get position(): bigint {
    return this.#open.size === 0 ? this.#end : this.#open.first;
  }

  /** What `position` would be if these open offsets were settled too. */
  positionWith(settling: ReadonlySet<bigint>): bigint {
    if (settling.size === 0) return this.position;
    for (const offset of this.#open.below(this.#end)) if (!settling.has(offset)) return offset;
    return this.#end;
  }

  /** The lowest offset that `track` accepts; lower ones are tracked already. */
  get end(): bigint {
    return this.#end;
  }

  /** How many tracked offsets are not settled. */
  get open(): number {
    return this.#open.size;
  }

  /** How many offsets have memory allocated: proportional to the most that were open at once recently. */
  get capacity(): number {
    return this.#open.capacity;
  }

  /** True for an offset from `end` on that the initial mark says is settled: the caller ignores it instead of tracking it. */
  isSettled(offset: bigint): boolean {
    if (offset >= this.#restoredEnd || offset < this.#end) return false;
    return this.#restoredOpen[firstFrom(this.#restoredOpen, offset)] !== offset;
  }

  /** True where the initial mark says of all offsets from `first`, which is at least `end`, to `last` that they are settled. */
  areSettled(first: bigint, last: bigint): boolean {
    if (first < this.#end || last < first || last >= this.#restoredEnd) return false;
    const open = this.#restoredOpen[firstFrom(this.#restoredOpen, first)];
    return open === undefined || open > last;
  }

  /** How many attempts the initial mark has for an open offset; 0 where it has none. */
  attemptsOf(offset: bigint): number {
    return this.#restoredAttempts.get(offset) ?? 0;
  }

  /** Adds a fetched offset. Offsets must ascend and be at least `end`, or it throws RangeError. */
  track(offset: bigint): void {
    if (offset < this.#end)
      throw new RangeError(`offset ${offset} is tracked already: the ledger ends at ${this.#end}`);
    this.#open.add(offset);
    this.#end = offset + 1n;
  }

  /** No more records come below `nextOffset`: the offsets between were compacted, or never were records. */
  advance(nextOffset: bigint): void {
    if (nextOffset > this.#end) this.#end = nextOffset;
    if (!this.#isRestoring()) this.#restoredOpen = [];
  }

  /** Settles a tracked offset, once. Returns whether `position` moved. Throws RangeError for an offset that is not open. */
  settle(offset: bigint): boolean {
    const removed = this.#open.remove(offset);
    if (removed === undefined) throw new RangeError(`offset ${offset} is not open in the ledger`);
    if (removed === 'first') return true;
    if (offset > this.#highest) this.#highest = offset;
    return false;
  }

  /**
   * The mark that is committed beside `position`. `attempts`: of tracked open offsets; for the others the initial mark is used. An
   * offset that was settled without an attempt above the horizon, such as by a filter, is left out: it would take the room of
   * attempted ones. `settling`: open offsets to count as settled already; use the mark with `positionWith` of the same offsets.
   */
  mark(
    attempts: Iterable<readonly [offset: bigint, made: number]>,
    partitions: number | undefined,
    maxBytes = maxMarkBytes,
    settling: ReadonlySet<bigint> = none,
  ): ProgressMark {
    const made = new Map(attempts);
    for (const [offset, count] of this.#restoredAttempts) if (offset >= this.#end) made.set(offset, count);
    for (const offset of settling) made.delete(offset);
    const position = this.positionWith(settling);
    const settledEnd = max(this.#highest, highestOf(settling)) + 1n;
    if (settledEnd <= position) return { open: [], end: position, attempts: made, partitions };
    const end = min(settledEnd, max(this.horizon(maxBytes), this.#restoredEnd));
    const open = [...this.#open.below(end)].filter((offset) => !settling.has(offset));
    if (this.#isRestoring()) open.push(...this.#restoredOpen.slice(firstFrom(this.#restoredOpen, this.#end)));
    return { open, end, attempts: made, partitions };
  }

  /**
   * Offsets below this may be attempted: a mark of `maxBytes` has room to say that any of them are settled, in addition to those that
   * are settled now. Always above `position`. It never falls while `maxBytes` stays the same, so the caller may keep an earlier
   * result until an offset is at or above it. O(1).
   */
  horizon(maxBytes = maxMarkBytes): bigint {
    if (maxBytes !== this.#maxBytes) {
      this.#maxBytes = maxBytes;
      this.#room = Math.floor(markRoom(maxBytes) * (1 - attemptsShare));
      this.#reach = BigInt(this.#room * 8);
      this.#near = BigInt(this.#room * 7 - 2);
    }
    const { position } = this;
    // Beyond the end, a list covers at most one offset per byte.
    if (position + this.#near > this.#end) return position + this.#reach;
    return max(position + this.#reach, this.#open.horizon(this.#end, this.#room));
  }

  #isRestoring(): boolean {
    return this.#end < this.#restoredEnd;
  }
}

const none: ReadonlySet<bigint> = new Set();

function highestOf(offsets: ReadonlySet<bigint>): bigint {
  let highest = -1n;
  for (const offset of offsets) highest = max(highest, offset);
  return highest;
}

/** The index of the first of ascending offsets that is at least `offset`. */
function firstFrom(offsets: readonly bigint[], offset: bigint): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((offsets[middle] as bigint) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
