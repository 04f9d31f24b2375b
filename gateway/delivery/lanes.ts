// Lanes keep order: the items of one lane leave one batch after the other; different lanes proceed side by side. Pure.
//
//   add ──► lane a: 1 4 7   ─┐
//           lane b: 2        ├─► ready lanes, first come first served ──► next ──► take ──► finish(kept items)
//           lane c: 3 5 6   ─┘                    ▲                                             │
//                                                 └──── unpark (after the retry delay) ◄── park ┘
//
// A lane is idle (empty), ready (in the queue), busy (a batch of it is taken) or parked (waits for its delay). An item that is not
// taken may be withdrawn at any time.
import type { Ordering } from '../../core/contract/subscription.ts';

export type LaneState = 'idle' | 'ready' | 'busy' | 'parked' | 'dropped';

/** What waits behind failures. A lane counts as a whole, from when it parks until one of its items is finished. */
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
  /** What this lane adds to the parked count of its group. */
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

  /** Replaces the taken items by those of them that stay in the lane. */
  keep(kept: readonly T[]): void {
    this.#head += this.taken - kept.length;
    for (let index = 0; index < kept.length; index += 1) this.#items[this.#head + index] = kept[index] as T;
    this.taken = 0;
    this.#compact();
  }

  /** Removes the item at `index`. */
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

interface SeveralLanes<T> {
  readonly byKey: Map<string, Lane<T>>;
  /** Lanes of a single item: without a key, or under `ordering: none`. */
  readonly single: Set<Lane<T>>;
}

/** The lanes of one partition. They are dropped together. */
export class LaneGroup<T> {
  readonly #lanes: Lanes<T>;
  /** The only lane, or where there are several. */
  readonly #own: Lane<T> | SeveralLanes<T>;
  #parked = nothing;
  #mayLeave: ((item: T) => boolean) | undefined;
  dropped = false;

  constructor(lanes: Lanes<T>) {
    this.#lanes = lanes;
    this.#own =
      lanes.ordering === 'partition' ? new Lane(this, undefined) : { byKey: new Map(), single: new Set() };
  }

  /** Appends `item` to its lane: that of the partition, that of its key, or a lane of its own (under `none`, or without a key). */
  add(key: Buffer | null, item: T): void {
    const lane = this.#own instanceof Lane ? this.#own : this.#laneOf(key, this.#own);
    lane.push(item);
    if (lane.state === 'idle') this.#lanes.makeReady(lane);
    if (lane.counted.lanes > 0) this.#count(lane, plus(lane.counted, 1, this.#lanes.bytesOf(item)));
  }

  /** True where the whole partition is one lane. */
  get isWhole(): boolean {
    return this.#own instanceof Lane;
  }

  get parked(): ParkedCount {
    return this.#parked;
  }

  /** Every lane that is not empty. */
  *lanes(): Iterable<Lane<T>> {
    if (!(this.#own instanceof Lane)) {
      yield* this.#own.byKey.values();
      yield* this.#own.single;
    } else if (this.#own.length > 0) yield this.#own;
  }

  /** Counts `lane` as parked with what it holds now, or stops counting it. */
  count(lane: Lane<T>, isParked: boolean): void {
    if (!isParked) {
      if (lane.counted !== nothing) this.#count(lane, nothing);
      return;
    }
    let bytes = 0;
    for (let index = 0; index < lane.length; index += 1) bytes += this.#lanes.bytesOf(lane.at(index));
    this.#count(lane, { lanes: 1, items: lane.length, bytes });
  }

  /** From now on a lane leaves the queue only if `mayLeave` accepts its first item. This cannot be undone. */
  release(mayLeave: (item: T) => boolean): void {
    this.#mayLeave = mayLeave;
  }

  /** True for a lane that must not leave the queue any more. */
  isOver(lane: Lane<T>): boolean {
    return this.dropped || this.#mayLeave?.(lane.at(0)) === false;
  }

  /** Drops all lanes. `finish` of what is taken may still be called, without effect. */
  drop(): void {
    this.dropped = true;
    this.#parked = nothing;
    if (this.#own instanceof Lane) return;
    this.#own.byKey.clear();
    this.#own.single.clear();
  }

  /** Forgets an empty lane, unless it is that of the whole partition. */
  forget(lane: Lane<T>): void {
    if (this.#own instanceof Lane) return;
    const { byKey, single } = this.#own;
    if (lane.key === undefined) single.delete(lane);
    else if (byKey.get(lane.key) === lane) byKey.delete(lane.key);
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

  #laneOf(key: Buffer | null, { byKey, single }: SeveralLanes<T>): Lane<T> {
    if (key === null || this.#lanes.ordering === 'none') {
      const own = new Lane(this, undefined);
      single.add(own);
      return own;
    }
    const name = key.toString('latin1');
    let lane = byKey.get(name);
    if (lane === undefined) {
      lane = new Lane(this, name);
      byKey.set(name, lane);
    }
    return lane;
  }
}

function plus({ lanes, items, bytes }: ParkedCount, moreItems: number, moreBytes: number): ParkedCount {
  return { lanes, items: items + moreItems, bytes: bytes + moreBytes };
}

export class Lanes<T> {
  readonly ordering: Ordering;
  /** The bytes that an item adds to `parked`. */
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

  /** The lane at the head of the queue, which stays there until `take`; undefined where no lane is ready. */
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

  /** Marks the first `count` items of the lane that `next` returned as taken. */
  take(lane: Lane<T>, count: number): void {
    this.#head += 1;
    lane.state = 'busy';
    lane.taken = count;
    if (this.#head >= 1024 && this.#head * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Finishes the taken items of a busy lane, except `kept`, which stay first in it. The lane joins the queue again, or parks. */
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
   * Removes `item` from `lane`, at any position; false where it is not there, or is taken. A parked lane whose first item is
   * removed joins the queue at once. O(items of the lane + ready lanes).
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
    // A lane that was dropped from the queue because of its first item gets another chance.
    if (index === 0 && (lane.state === 'parked' || lane.state === 'dropped')) this.makeReady(lane);
    return true;
  }

  /** The delay of a parked lane is over: it joins the queue. */
  unpark(lane: Lane<T>): void {
    if (lane.state === 'parked') this.makeReady(lane);
  }

  /** How many items the ready lanes hold, counted up to `limit`. Items behind a batch in flight do not count. */
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
