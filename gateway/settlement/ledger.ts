// The ledger of one partition: which offsets are open, and so which are settled. Pure: no clock, no I/O.
//
//   offset    100 101 102     104 105 106     (103 is not there: compacted, or a transaction marker)
//   settled    ■   ■   □       ■   □   ■
//                      ▲                   ▲
//                  position               end      mark: from 102, open 102 and 105, end 107
//
// Invariant: every fetched offset below `position` is settled, and `position` is all that may be committed. What is settled
// beyond it goes into the mark beside it; no offset at or above the `horizon` is attempted, so that the mark has room for it.
import { markRoom, maxMarkBytes, type ProgressMark } from '../../core/contract/progress-mark.ts';
import { OpenOffsets } from './open-offsets.ts';

/** This part of a mark is left to attempts: what is stuck keeps its count, whatever is settled behind it. */
const attemptsShare = 1 / 6;

export class Ledger {
  readonly #open: OpenOffsets;
  #end: bigint;
  /** The highest offset that is settled beyond `position`, or anything below that. */
  #highest: bigint;
  /**
   * What the mark that this began with says of the offsets from `#end` on, until `#end` has come to its end: the open ones
   * among them, ascending.
   */
  #restoredOpen: readonly bigint[];
  readonly #restoredEnd: bigint;
  readonly #restoredAttempts: ReadonlyMap<bigint, number>;
  #maxBytes = 0;
  /** What the open set may take of a mark of `#maxBytes`; how far a bitmap of that reaches; until where no list reaches further. */
  #room = 0;
  #reach = 0n;
  #near = 0n;

  /**
   * `nextOffset`: the first offset that is not settled yet, such as the committed one. `mark`: what is known beyond it; the
   * offsets that it calls open, and all from its end on, are tracked as they are fetched.
   */
  constructor(nextOffset: bigint, mark?: ProgressMark) {
    this.#open = new OpenOffsets(nextOffset);
    this.#end = nextOffset;
    this.#restoredOpen = mark?.open ?? [];
    this.#restoredEnd = mark?.end ?? nextOffset;
    this.#restoredAttempts = mark?.attempts ?? new Map<bigint, number>();
    this.#highest = this.#restoredEnd - 1n;
  }

  /** The end of the contiguous settled prefix: the offset to commit, in Kafka's sense of the next one to read. */
  get position(): bigint {
    return this.#open.size === 0 ? this.#end : this.#open.first;
  }

  /** What `position` would be, were these open offsets settled too. */
  positionWith(settling: ReadonlySet<bigint>): bigint {
    if (settling.size === 0) return this.position;
    for (const offset of this.#open.below(this.#end)) if (!settling.has(offset)) return offset;
    return this.#end;
  }

  /** The next offset that `track` expects; lower ones are known already. */
  get end(): bigint {
    return this.#end;
  }

  /** How many tracked offsets are not settled. */
  get open(): number {
    return this.#open.size;
  }

  /** How many offsets there is memory for: proportional to the most that were open at once of late. */
  get capacity(): number {
    return this.#open.capacity;
  }

  /** True for an offset from `end` on that was settled in an earlier life: it is passed over instead of tracked. */
  isSettled(offset: bigint): boolean {
    if (offset >= this.#restoredEnd || offset < this.#end) return false;
    return this.#restoredOpen[firstFrom(this.#restoredOpen, offset)] !== offset;
  }

  /** How often an offset that was open then was attempted in an earlier life, as far as it is known. */
  attemptsOf(offset: bigint): number {
    return this.#restoredAttempts.get(offset) ?? 0;
  }

  /** Takes in a fetched offset; ascending, at least `end`. Throws RangeError otherwise. */
  track(offset: bigint): void {
    if (offset < this.#end)
      throw new RangeError(`offset ${offset} is tracked already: the ledger ends at ${this.#end}`);
    this.#open.add(offset);
    this.#end = offset + 1n;
  }

  /** No more records come below `nextOffset`: what lies between was compacted, or never was a record. */
  advance(nextOffset: bigint): void {
    if (nextOffset > this.#end) this.#end = nextOffset;
    if (!this.#isRestoring()) this.#restoredOpen = [];
  }

  /** Settles a tracked offset, once. True where `position` moved. Throws RangeError for an offset that is not open. */
  settle(offset: bigint): boolean {
    const removed = this.#open.remove(offset);
    if (removed === undefined) throw new RangeError(`offset ${offset} is not open in the ledger`);
    if (removed === 'first') return true;
    if (offset > this.#highest) this.#highest = offset;
    return false;
  }

  /**
   * What goes beside `position` into a commit. `attempts`: of open offsets that were tracked; of the others it is known. What was
   * settled unattempted above the horizon, such as by a filter, is left out: it would take the room of what was attempted.
   * `settling`: open offsets that count as settled, though they are not yet; it goes beside `positionWith` of the same.
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
   * An offset below this may be attempted: were all of these settled but those that are open now, a mark of `maxBytes` would
   * hold it. Always above `position`. Never falls while `maxBytes` stays, so an earlier answer may be kept until it refuses.
   * O(1).
   */
  horizon(maxBytes = maxMarkBytes): bigint {
    if (maxBytes !== this.#maxBytes) {
      this.#maxBytes = maxBytes;
      this.#room = Math.floor(markRoom(maxBytes) * (1 - attemptsShare));
      this.#reach = BigInt(this.#room * 8);
      this.#near = BigInt(this.#room * 7 - 2);
    }
    const { position } = this;
    // A list never reaches further beyond the end than it has bytes.
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
