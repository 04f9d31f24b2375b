// Lanes keep order: the items of a lane leave one batch after the other, those of different lanes side by side. Pure.
//
//   add ──► lane a: 1 4 7   ─┐
//           lane b: 2        ├─► ready lanes, first come first served ──► next ──► take ──► finish(kept items)
//           lane c: 3 5 6   ─┘                    ▲                                             │
//                                                 └──── unpark (after the retry delay) ◄── park ┘
//
// A lane is idle (empty), ready (waits for its turn), busy (a batch of it is taken) or parked (waits for its delay). What is not
// taken may be withdrawn at any time.
import type { Ordering } from '../../core/contract/subscription.ts';

export type LaneState = 'idle' | 'ready' | 'busy' | 'parked' | 'dropped';

/** What waits behind a failure: whole lanes, from the moment that one parks until something of it is done with. */
export interface ParkedCount {
  readonly lanes: number;
  readonly items: number;
  readonly bytes: number;
}

const nothing: ParkedCount = { lanes: 0, items: 0, bytes: 0 };

export class Lane<T> {
  readonly group: LaneGroup<T>;
  readonly key: string | undefined;
  state: LaneState = 'idle';
  /** How many of the first items are taken; more than 0 only while busy. */
  taken = 0;
  /** Its part in the count of its group. */
  counted = nothing;
  #items: T[] = [];
  #head = 0;

  constructor(group: LaneGroup<T>, key: string | undefined) {
    this.group = group;
    this.key = key;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The item at `index`, counted from the first one. */
  at(index: number): T {
    return this.#items[this.#head + index] as T;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Replaces the taken items by those of them that stay. */
  keep(kept: readonly T[]): void {
    this.#head += this.taken - kept.length;
    for (let index = 0; index < kept.length; index += 1) this.#items[this.#head + index] = kept[index] as T;
    this.taken = 0;
    this.#compact();
  }

  /** Takes out the item at `index`. */
  remove(index: number): void {
    this.#items.splice(this.#head + index, 1);
    this.#compact();
  }

  #compact(): void {
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** The lanes of one partition: they come and go together. */
export class LaneGroup<T> {
  readonly #lanes: Lanes<T>;
  readonly #byKey = new Map<string, Lane<T>>();
  /** Lanes of one item that has no key, or needs none. */
  readonly #single = new Set<Lane<T>>();
  readonly #whole: Lane<T> | undefined;
  #parked = nothing;
  #mayGo: ((item: T) => boolean) | undefined;
  dropped = false;

  constructor(lanes: Lanes<T>) {
    this.#lanes = lanes;
    if (lanes.ordering === 'partition') this.#whole = new Lane(this, undefined);
  }

  /** Appends `item` to its lane: the partition's, its key's, or one of its own (`none`, and `key` without a key). */
  add(key: Buffer | null, item: T): void {
    const lane = this.#whole ?? this.#laneOf(key);
    lane.push(item);
    if (lane.state === 'idle') this.#lanes.makeReady(lane);
    if (lane.counted.lanes > 0) this.#count(lane, plus(lane.counted, 1, this.#lanes.bytesOf(item)));
  }

  /** All of it is one lane. */
  get isWhole(): boolean {
    return this.#whole !== undefined;
  }

  get parked(): ParkedCount {
    return this.#parked;
  }

  /** Every lane that is not empty. */
  *lanes(): Iterable<Lane<T>> {
    if (this.#whole !== undefined && this.#whole.length > 0) yield this.#whole;
    yield* this.#byKey.values();
    yield* this.#single;
  }

  /** Counts `lane`, as it stands, among the parked ones, or no longer. */
  count(lane: Lane<T>, isParked: boolean): void {
    if (!isParked) {
      if (lane.counted !== nothing) this.#count(lane, nothing);
      return;
    }
    let bytes = 0;
    for (let index = 0; index < lane.length; index += 1) bytes += this.#lanes.bytesOf(lane.at(index));
    this.#count(lane, { lanes: 1, items: lane.length, bytes });
  }

  /** From now on a lane takes its turn only with an item that `mayGo` accepts first in it. There is no way back. */
  release(mayGo: (item: T) => boolean): void {
    this.#mayGo = mayGo;
  }

  /** True for a lane that takes no turn any more. */
  isOver(lane: Lane<T>): boolean {
    return this.dropped || this.#mayGo?.(lane.at(0)) === false;
  }

  /** Lets go of all lanes; what is taken of them may still be finished, without effect. */
  drop(): void {
    this.dropped = true;
    this.#byKey.clear();
    this.#single.clear();
    this.#parked = nothing;
  }

  /** An empty lane is forgotten, but for that of the whole partition. */
  forget(lane: Lane<T>): void {
    if (lane.key === undefined) this.#single.delete(lane);
    else if (this.#byKey.get(lane.key) === lane) this.#byKey.delete(lane.key);
  }

  #count(lane: Lane<T>, count: ParkedCount): void {
    const { lanes, items, bytes } = this.#parked;
    const before = lane.counted;
    this.#parked = {
      lanes: lanes - before.lanes + count.lanes,
      items: items - before.items + count.items,
      bytes: bytes - before.bytes + count.bytes,
    };
    lane.counted = count;
  }

  #laneOf(key: Buffer | null): Lane<T> {
    if (key === null || this.#lanes.ordering === 'none') {
      const single = new Lane(this, undefined);
      this.#single.add(single);
      return single;
    }
    const name = key.toString('latin1');
    let lane = this.#byKey.get(name);
    if (lane === undefined) {
      lane = new Lane(this, name);
      this.#byKey.set(name, lane);
    }
    return lane;
  }
}

function plus({ lanes, items, bytes }: ParkedCount, moreItems: number, moreBytes: number): ParkedCount {
  return { lanes, items: items + moreItems, bytes: bytes + moreBytes };
}

export class Lanes<T> {
  readonly ordering: Ordering;
  /** What an item counts for in `parked`. */
  readonly bytesOf: (item: T) => number;
  #ready: Lane<T>[] = [];
  #head = 0;

  constructor(ordering: Ordering, bytesOf: (item: T) => number = () => 0) {
    this.ordering = ordering;
    this.bytesOf = bytesOf;
  }

  group(): LaneGroup<T> {
    return new LaneGroup(this);
  }

  /** The lane whose turn it is, which it keeps until `take`; undefined where there is none. */
  next(): Lane<T> | undefined {
    while (this.#head < this.#ready.length) {
      const lane = this.#ready[this.#head] as Lane<T>;
      if (!lane.group.isOver(lane)) return lane;
      lane.state = 'dropped';
      this.#head += 1;
    }
    this.#ready.length = 0;
    this.#head = 0;
    return undefined;
  }

  /** Marks the first `count` items of a lane that `next` gave as taken. */
  take(lane: Lane<T>, count: number): void {
    this.#head += 1;
    lane.state = 'busy';
    lane.taken = count;
    if (this.#head >= 1024 && this.#head * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#head);
      this.#head = 0;
    }
  }

  /** The batch of a busy lane is done with, but for `kept`, which stay first. The lane takes its turn again, or parks. */
  finish(lane: Lane<T>, kept: readonly T[], then: 'ready' | 'parked'): void {
    if (lane.group.dropped) {
      lane.state = 'dropped';
      return;
    }
    const isOn = kept.length < lane.taken;
    lane.keep(kept);
    if (lane.length === 0) {
      this.#empty(lane);
    } else if (then === 'parked') {
      lane.state = 'parked';
      lane.group.count(lane, true);
    } else {
      this.makeReady(lane);
      if (isOn) lane.group.count(lane, false);
    }
  }

  /**
   * Takes `item` out of `lane`, wherever it stands in it; false where it is not there, or taken. A parked lane that it was first
   * in takes its turn at once. O(items, and lanes that are ready).
   */
  withdraw(lane: Lane<T>, item: T): boolean {
    if (lane.group.dropped) return false;
    let index = lane.taken;
    while (index < lane.length && lane.at(index) !== item) index += 1;
    if (index === lane.length) return false;
    lane.remove(index);
    if (lane.length === 0) {
      if (lane.state === 'ready') this.#ready.splice(this.#ready.indexOf(lane, this.#head), 1);
      this.#empty(lane);
      return true;
    }
    if (lane.counted.lanes > 0) lane.group.count(lane, index > 0);
    // One that was passed over for its first item is asked again.
    if (index === 0 && (lane.state === 'parked' || lane.state === 'dropped')) this.makeReady(lane);
    return true;
  }

  /** The delay of a parked lane is over. */
  unpark(lane: Lane<T>): void {
    if (lane.state === 'parked') this.makeReady(lane);
  }

  /** How many items stand ready, up to `limit`, without those behind a batch in flight. */
  readyItems(limit: number): number {
    let count = 0;
    for (let index = this.#head; index < this.#ready.length && count < limit; index += 1) {
      const lane = this.#ready[index] as Lane<T>;
      if (!lane.group.isOver(lane)) count += lane.length;
    }
    return Math.min(count, limit);
  }

  #empty(lane: Lane<T>): void {
    lane.state = 'idle';
    lane.group.count(lane, false);
    lane.group.forget(lane);
  }

  makeReady(lane: Lane<T>): void {
    lane.state = 'ready';
    this.#ready.push(lane);
  }
}
