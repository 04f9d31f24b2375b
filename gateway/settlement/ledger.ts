// The ledger of one partition: which of the fetched offsets are settled. Pure: no clock, no I/O.
//
//   offset    100 101 102     104 105 106     (103 is not there: compacted, or a transaction marker)
//   settled    ■   ■   □       ■   □   ■
//                      ▲                   ▲
//                  position               end
//
// Invariant: every fetched offset below `position` is settled, and `position` is all that may be committed.

const initialCapacity = 64;

export class Ledger {
  /** Rings of one capacity, a power of two: the offsets from `position` to `end` in ascending order, and 1 where settled. */
  #offsets = new BigInt64Array(initialCapacity);
  #settled = new Uint8Array(initialCapacity);
  #head = 0;
  #length = 0;
  #open = 0;
  #end: bigint;

  /** `nextOffset`: the first offset that is not settled yet, such as the committed one. */
  constructor(nextOffset: bigint) {
    this.#end = nextOffset;
  }

  /** The end of the contiguous settled prefix: the offset to commit, in Kafka's sense of the next one to read. */
  get position(): bigint {
    return this.#length === 0 ? this.#end : this.#offsetAt(0);
  }

  /** The next offset that `track` expects; lower ones are known already. */
  get end(): bigint {
    return this.#end;
  }

  /** How many tracked offsets are not settled. */
  get open(): number {
    return this.#open;
  }

  /** How many offsets the ledger remembers: the open ones, and the settled ones behind an open one. */
  get span(): number {
    return this.#length;
  }

  /** Takes in a fetched offset; ascending, at least `end`. Throws RangeError otherwise. */
  track(offset: bigint): void {
    if (offset < this.#end)
      throw new RangeError(`offset ${offset} is tracked already: the ledger ends at ${this.#end}`);
    if (this.#length === this.#offsets.length) this.#grow();
    const slot = (this.#head + this.#length) & (this.#offsets.length - 1);
    this.#offsets[slot] = offset;
    this.#settled[slot] = 0;
    this.#length += 1;
    this.#open += 1;
    this.#end = offset + 1n;
  }

  /** No more records come below `nextOffset`: what lies between was compacted, or never was a record. */
  advance(nextOffset: bigint): void {
    if (nextOffset > this.#end) this.#end = nextOffset;
  }

  /** Settles a tracked offset, once. True where `position` moved. Throws RangeError for an offset that is not open. */
  settle(offset: bigint): boolean {
    const index = this.#indexOf(offset);
    const slot = (this.#head + index) & (this.#offsets.length - 1);
    if (index < 0 || this.#settled[slot] === 1)
      throw new RangeError(`offset ${offset} is not open in the ledger`);
    this.#settled[slot] = 1;
    this.#open -= 1;
    if (index > 0) return false;
    while (this.#length > 0 && this.#settled[this.#head] === 1) {
      this.#head = (this.#head + 1) & (this.#offsets.length - 1);
      this.#length -= 1;
    }
    return true;
  }

  #offsetAt(index: number): bigint {
    return this.#offsets[(this.#head + index) & (this.#offsets.length - 1)] as bigint;
  }

  /** Offsets are dense but for compaction and markers, so the first guess is nearly always right. */
  #indexOf(offset: bigint): number {
    if (this.#length === 0) return -1;
    let high = Number(offset - this.#offsetAt(0));
    if (high < 0) return -1;
    if (high < this.#length && this.#offsetAt(high) === offset) return high;
    high = Math.min(high, this.#length - 1);
    let low = 0;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.#offsetAt(middle);
      if (found === offset) return middle;
      if (found < offset) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #grow(): void {
    const offsets = new BigInt64Array(this.#offsets.length * 2);
    const settled = new Uint8Array(offsets.length);
    for (let index = 0; index < this.#length; index += 1) {
      offsets[index] = this.#offsetAt(index);
      settled[index] = this.#settled[(this.#head + index) & (this.#offsets.length - 1)] as number;
    }
    this.#offsets = offsets;
    this.#settled = settled;
    this.#head = 0;
  }
}
