// The open offsets of a partition in ascending order, and how many bytes they would take in a progress mark. Pure.
//
//   ring     100 ·101· 102 ·103··104· 105      ·settled·: unlinked, and dropped when the ring is rebuilt
//   links     └───────► └────────────► ┘
//
// Invariant: the ring begins with the lowest open offset. Memory is proportional to the open offsets, not to the settled ones between
// them.
import { varintBytes } from '../../core/contract/marks/mark-bytes.ts';

const minCapacity = 64;
const none = -1;
/** Stands in place of a link where the entry is settled. */
const unlinked = -2;
/** Of those that have no memory yet. */
const noOffsets = new Float64Array(0);
const noSlots = new Int32Array(0);

export class OpenOffsets {
  /**
   * Distances from `#base`, always below 2^53. The three rings have the same capacity, a power of two; 0 until the first offset is added, for
   * most partitions are at rest.
   */
  #offsets = noOffsets;
  /** Slots of the previous and the next open offset; `none` at the ends. */
  #previous = noSlots;
  #next = noSlots;
  readonly #base: bigint;
  readonly #baseNumber: number;
  /** Slot of the first entry, and the number of entries from there on, open and settled. */
  #head = 0;
  #length = 0;
  #last = none;
  #size = 0;
  /** The room of the list, in bytes. It is 0, and no list is kept, until `horizon` is called, and again when nothing is open. */
  #room = 0;
  /** The first open entry that the list has no room for (`none` where it holds all), and the bytes of those before it. */
  #limit = none;
  #listed = 0;

  constructor(base: bigint) {
    this.#base = base;
    this.#baseNumber = Number(base);
  }

  get size(): number {
    return this.#size;
  }

  /** How many entries have memory allocated. */
  get capacity(): number {
    return this.#offsets.length;
  }

  /** The lowest open offset. Call it only where there is one. */
  get first(): bigint {
    return this.#offsetAt(this.#head);
  }

  /** The open offsets below `end`, ascending. */
  *below(end: bigint): Generator<bigint> {
    if (this.#size === 0) return;
    for (let slot = this.#head; slot !== none; slot = this.#next[slot] as number) {
      const offset = this.#offsetAt(slot);
      if (offset >= end) return;
      yield offset;
    }
  }

  /** Adds an offset, which must be above all that were added before. */
  add(offset: bigint): void {
    if (this.#length === this.#offsets.length) this.#rebuild();
    const slot = (this.#head + this.#length) & (this.#offsets.length - 1);
    this.#offsets[slot] = this.#distanceOf(offset);
    this.#previous[slot] = this.#last;
    this.#next[slot] = none;
    if (this.#last !== none) this.#next[this.#last] = slot;
    this.#last = slot;
    this.#length += 1;
    this.#size += 1;
    if (this.#room > 0 && this.#limit === none) this.#list(slot);
  }

  /** Removes an offset. Returns whether it was the first open one or another, or undefined where it was not open. */
  remove(offset: bigint): 'first' | 'other' | undefined {
    const slot = this.#find(this.#distanceOf(offset));
    if (slot === none || this.#next[slot] === unlinked) return undefined;
    const isFirst = slot === this.#head;
    const next = this.#next[slot] as number;
    if (this.#room === 0) this.#unlink(slot, next);
    else this.#unlist(slot, next);
    if (!isFirst) return 'other';
    if (next === none) {
      this.#length = 0;
      this.#room = 0;
      return 'first';
    }
    this.#length -= (next - slot) & (this.#offsets.length - 1);
    this.#head = next;
    return 'first';
  }

  /**
   * Any offset below this may be settled while all others stay open, including those between the last one and `end`, and those from
   * `end` on: a list of what is open below it takes at most `room` bytes. It never falls while `room` (> 0) stays the same and
   * anything is open. O(1), except for the first call with a new `room`, which builds the list.
   */
  horizon(end: bigint, room: number): bigint {
    if (this.#size === 0) return end;
    if (room !== this.#room) {
      this.#room = room;
      this.#listed = 0;
      this.#list(this.#head);
    }
    if (this.#limit !== none) return this.#offsetAt(this.#limit) + 1n;
    // Each offset from `end` on takes at most one byte, except that the first one also needs the gap before it.
    const gap = this.#distanceOf(end) - (this.#offsets[this.#last] as number) - 1;
    return end + BigInt(Math.max(0, room - this.#listed - varintBytes(gap) + 2));
  }

  #offsetAt(slot: number): bigint {
    return this.#base + BigInt(this.#offsets[slot] as number);
  }

  /** Most offsets fit into a number, which avoids subtracting bigints. */
  #distanceOf(offset: bigint): number {
    const number = Number(offset);
    return number <= Number.MAX_SAFE_INTEGER ? number - this.#baseNumber : Number(offset - this.#base);
  }

  #unlink(slot: number, next: number): void {
    const previous = this.#previous[slot] as number;
    if (previous !== none) this.#next[previous] = next;
    if (next === none) this.#last = previous;
    else this.#previous[next] = previous;
    this.#next[slot] = unlinked;
    this.#size -= 1;
  }

  /** Unlinks an entry and updates the list. */
  #unlist(slot: number, next: number): void {
    const limit = this.#limit;
    if (
      slot === limit ||
      (limit !== none && (this.#offsets[slot] as number) > (this.#offsets[limit] as number))
    ) {
      this.#unlink(slot, next);
      if (slot === limit) this.#list(next);
      return;
    }
    const isNextListed = next !== none && next !== limit;
    this.#listed -= this.#cost(slot) + (isNextListed ? this.#cost(next) : 0);
    this.#unlink(slot, next);
    if (isNextListed) this.#listed += this.#cost(next);
    if (limit !== none) this.#list(limit);
  }

  /** Adds `slot` and the entries after it to the list, as far as there is room. */
  #list(slot: number): void {
    let at = slot;
    for (; at !== none; at = this.#next[at] as number) {
      const cost = this.#cost(at);
      if (this.#listed + cost > this.#room) break;
      this.#listed += cost;
    }
    this.#limit = at;
  }

  /** The bytes that an entry takes in a list that begins with the lowest open offset. */
  #cost(slot: number): number {
    const previous = this.#previous[slot] as number;
    if (previous === none) return 1;
    const gap = (this.#offsets[slot] as number) - (this.#offsets[previous] as number) - 1;
    return varintBytes(gap);
  }

  /** Offsets are mostly dense, from the first one on or up to the last one, so the two guesses are nearly always right. */
  #find(offset: number): number {
    const mask = this.#offsets.length - 1;
    const first = offset - (this.#offsets[this.#head] as number);
    if (this.#length === 0 || first < 0) return none;
    const forward = (this.#head + first) & mask;
    if (first < this.#length && this.#offsets[forward] === offset) return forward;
    const end = this.#head + this.#length - 1;
    const back = (this.#offsets[end & mask] as number) - offset;
    if (back < 0) return none;
    const backward = (end - back) & mask;
    if (back < this.#length && this.#offsets[backward] === offset) return backward;
    let low = 0;
    let high = this.#length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const slot = (this.#head + middle) & mask;
      const found = this.#offsets[slot] as number;
      if (found === offset) return slot;
      if (found < offset) low = middle + 1;
      else high = middle - 1;
    }
    return none;
  }

  /** Drops the settled entries and allocates at least twice the open ones, so that a rebuild is needed only once in that many additions. */
  #rebuild(): void {
    let capacity = minCapacity;
    while (capacity < this.#size * 2) capacity *= 2;
    const offsets = new Float64Array(capacity);
    const previous = new Int32Array(capacity);
    const next = new Int32Array(capacity);
    let limit = none;
    let index = 0;
    const first = this.#size === 0 ? none : this.#head;
    for (let slot = first; slot !== none; slot = this.#next[slot] as number) {
      if (slot === this.#limit) limit = index;
      offsets[index] = this.#offsets[slot] as number;
      previous[index] = index - 1;
      next[index] = index + 1;
      index += 1;
    }
    next[index - 1] = none;
    this.#offsets = offsets;
    this.#previous = previous;
    this.#next = next;
    this.#head = 0;
    this.#length = index;
    this.#last = index - 1;
    this.#limit = limit;
  }
}
