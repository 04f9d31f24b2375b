import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { Ordering } from '../../../core/contract/subscription.ts';
import { type Lane, type LaneGroup, Lanes, type ParkedCount } from '../../../gateway/delivery/lanes.ts';

/** `laneName`: items of one name must leave in order, with at most one batch at a time. */
interface Item {
  readonly group: number;
  readonly laneName: string;
  readonly number: number;
}

interface Batch {
  readonly lane: Lane<Item>;
  readonly items: readonly Item[];
}

const anyKey = fc.oneof(fc.constant(null), fc.constantFrom('', 'a', 'b', 'ü', '\xfc'));
const groupCount = 3;
const anyStep = fc.oneof(
  {
    arbitrary: fc.record({ act: fc.constant('add' as const), group: fc.nat(groupCount - 1), key: anyKey }),
    weight: 6,
  },
  {
    arbitrary: fc.record({ act: fc.constant('take' as const), count: fc.integer({ min: 1, max: 4 }) }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      act: fc.constant('finish' as const),
      pick: fc.nat(),
      /** Which of the items of the batch stay. */
      kept: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      then: fc.constantFrom('ready' as const, 'parked' as const),
    }),
    weight: 4,
  },
  { arbitrary: fc.record({ act: fc.constant('unpark' as const), pick: fc.nat() }), weight: 2 },
  { arbitrary: fc.record({ act: fc.constant('withdraw' as const), pick: fc.nat() }), weight: 2 },
  {
    arbitrary: fc.record({ act: fc.constant('release' as const), group: fc.nat(groupCount - 1) }),
    weight: 1,
  },
  { arbitrary: fc.record({ act: fc.constant('drop' as const), group: fc.nat(groupCount - 1) }), weight: 1 },
);
type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never;

/** Drives lanes at random, with a model of what each lane should hold. */
class Play {
  readonly lanes: Lanes<Item>;
  readonly groups: LaneGroup<Item>[];
  readonly waiting = new Map<string, Item[]>();
  readonly inFlight: Batch[] = [];
  readonly parked = new Set<Lane<Item>>();
  readonly finished = new Set<Item>();
  /** Names of the lanes that have failed since one of their items was finished. */
  readonly failing = new Set<string>();
  readonly lost = new Set<Item>();
  added = 0;
  /** Released groups: only their items with odd numbers may still leave. */
  readonly released = new Set<number>();

  constructor(ordering: Ordering) {
    this.lanes = new Lanes<Item>(ordering, ({ number }) => number);
    this.groups = Array.from({ length: groupCount }, () => this.lanes.group());
  }

  step(step: Step): void {
    switch (step.act) {
      case 'add':
        this.add(step.group, step.key);
        break;
      case 'take':
        this.take(step.count);
        break;
      case 'finish':
        if (this.inFlight.length > 0) this.finish(step.pick % this.inFlight.length, step.kept, step.then);
        break;
      case 'unpark': {
        const lane = [...this.parked][step.pick % this.parked.size];
        if (lane !== undefined) this.unpark(lane);
        break;
      }
      case 'withdraw':
        this.withdraw(step.pick);
        break;
      case 'release':
        this.released.add(step.group);
        this.groups[step.group]!.release(({ number }) => number % 2 === 1);
        break;
      case 'drop':
        this.drop(step.group);
    }
  }

  add(group: number, key: string | null): void {
    const number = (this.added += 1);
    const within =
      this.lanes.ordering === 'partition'
        ? ''
        : this.lanes.ordering === 'key' && key !== null
          ? `/${key}`
          : `#${number}`;
    const item = { group, laneName: `${group}${within}`, number };
    this.groups[group]!.add(key === null ? null : Buffer.from(key), item);
    this.waiting.set(item.laneName, [...(this.waiting.get(item.laneName) ?? []), item]);
  }

  take(count: number): boolean {
    const mayGo = ({ group, number }: Item): boolean => !this.released.has(group) || number % 2 === 1;
    const lane = this.lanes.next();
    assert.equal(this.lanes.next(), lane, 'it keeps its turn until it is taken');
    if (lane === undefined) {
      assert.ok(!this.standing().some(([first]) => mayGo(first!)), 'nothing that may go is left behind');
      return false;
    }
    const first = lane.at(0);
    assert.ok(mayGo(first), 'of what is released, only that goes which may');
    const items = Array.from({ length: Math.min(count, lane.length) }, (_, index) => lane.at(index));
    const expected = this.waiting.get(first.laneName);
    assert.deepEqual(items, expected?.slice(0, items.length), 'the first ones of the lane, in their order');
    const isBusy = this.inFlight.some(
      ({ items: [one] }) => one?.laneName === first.laneName && !this.lost.has(one),
    );
    assert.ok(!isBusy, 'one batch of a lane at a time');
    assert.ok(!this.parked.has(lane), 'a parked lane has no turn');
    this.lanes.take(lane, items.length);
    this.inFlight.push({ lane, items });
    return true;
  }

  finish(index: number, keep: readonly boolean[], then: 'ready' | 'parked'): void {
    const [batch] = this.inFlight.splice(index, 1);
    const { lane, items } = batch!;
    const kept = items.filter((_, at) => keep[at]);
    this.lanes.finish(lane, kept, then);
    if (this.lost.has(items[0]!)) {
      assert.equal(lane.state, 'dropped');
      return;
    }
    for (const item of items) if (!kept.includes(item)) this.finished.add(item);
    const rest = [...kept, ...this.waiting.get(items[0]!.laneName)!.slice(items.length)];
    this.waiting.set(items[0]!.laneName, rest);
    assert.equal(lane.length, rest.length);
    assert.equal(lane.state, rest.length === 0 ? 'idle' : then);
    if (lane.state === 'parked') this.parked.add(lane);
    const { laneName } = items[0]!;
    if (lane.state === 'parked') this.failing.add(laneName);
    else if (kept.length < items.length) this.failing.delete(laneName);
  }

  /** Any waiting item may be withdrawn, and none in flight. A parked lane becomes ready when its first item is withdrawn. */
  withdraw(pick: number): void {
    const all = [...this.waiting.values()].flat();
    if (all.length === 0) return;
    const item = all[pick % all.length]!;
    const lane = [...this.groups[item.group]!.lanes()].find(
      (one) => one.at(0) === this.waiting.get(item.laneName)![0],
    )!;
    const before = this.waiting.get(item.laneName)!;
    const isTaken = this.inFlight.some(({ items }) => items.includes(item));
    assert.equal(this.lanes.withdraw(lane, item), !isTaken);
    if (isTaken) return;
    assert.equal(this.lanes.withdraw(lane, item), false, 'once');
    const rest = before.filter((one) => one !== item);
    this.waiting.set(item.laneName, rest);
    this.finished.add(item);
    if (before[0] !== item) return;
    this.failing.delete(item.laneName);
    this.parked.delete(lane);
    assert.notEqual(lane.state, 'parked');
    if (rest.length === 0) assert.equal(lane.state, 'idle');
  }

  /** What `parked` of a group should be. */
  parkedIn(group: number): ParkedCount {
    const lanes = [...this.failing].flatMap((name) => {
      const items = this.waiting.get(name) ?? [];
      return items[0]?.group === group ? [items] : [];
    });
    const bytes = lanes.flat().reduce((sum, { number }) => sum + number, 0);
    return { lanes: lanes.length, items: lanes.flat().length, bytes };
  }

  unpark(lane: Lane<Item>): void {
    this.parked.delete(lane);
    this.lanes.unpark(lane);
    this.lanes.unpark(lane); // a second word of it changes nothing
  }

  /** A group that is dropped yields nothing; its successor begins afresh. */
  drop(group: number): void {
    this.groups[group]!.drop();
    this.groups[group] = this.lanes.group();
    this.released.delete(group);
    for (const [name, items] of this.waiting) {
      if (items[0]?.group !== group) continue;
      for (const item of items) this.lost.add(item);
      this.waiting.delete(name);
      this.failing.delete(name);
    }
    for (const lane of this.parked) if (lane.group.dropped) this.unparkDropped(lane);
  }

  unparkDropped(lane: Lane<Item>): void {
    this.parked.delete(lane);
    this.lanes.unpark(lane);
  }

  /** The ready items: neither behind a batch in flight nor parked. */
  standing(): Item[][] {
    const busy = new Set(
      this.inFlight
        .map(({ items }) => items[0]!)
        .filter((item) => !this.lost.has(item))
        .map(({ laneName }) => laneName),
    );
    const parked = new Set([...this.parked].map((lane) => lane.at(0).laneName));
    return [...this.waiting]
      .filter(([name, items]) => items.length > 0 && !busy.has(name) && !parked.has(name))
      .map(([, items]) => items);
  }

  drain(): void {
    for (const group of this.released) this.drop(group);
    while (this.inFlight.length > 0 || this.parked.size > 0 || this.standing().length > 0) {
      while (this.inFlight.length > 0) this.finish(0, [], 'ready');
      for (const lane of this.parked) this.unpark(lane);
      while (this.take(1));
    }
    assert.equal(this.take(1), false);
  }
}

t.test('each lane in its order, one batch at a time, and in the end all of it', async () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Ordering>('partition', 'key', 'none'),
      fc.array(anyStep, { maxLength: 120, size: 'max' }),
      (ordering, steps) => {
        const play = new Play(ordering);
        for (const step of steps) {
          play.step(step);
          const mayGo = (item: Item): boolean => !play.released.has(item.group) || item.number % 2 === 1;
          const standing = play
            .standing()
            .filter(([first]) => mayGo(first!))
            .reduce((sum, items) => sum + items.length, 0);
          for (const limit of [0, 3, 1_000])
            assert.equal(play.lanes.readyItems(limit), Math.min(standing, limit));
          play.groups.forEach((group, index) => {
            assert.deepEqual(group.parked, play.parkedIn(index));
            const open = [...group.lanes()].map((lane) => lane.length);
            assert.ok(open.every((length) => length > 0));
          });
        }
        play.drain();
        assert.equal(play.finished.size + play.lost.size, play.added);
      },
    ),
    { numRuns: 400 },
  );
});

t.test('lanes are served first come first served, and a finished one goes to the back', async (t) => {
  const lanes = new Lanes<string>('key');
  const group = lanes.group();
  for (const item of ['a1', 'b1', 'a2', 'c1', 'b2']) group.add(Buffer.from(item[0]!), item);
  const served: string[] = [];
  for (let lane = lanes.next(); lane !== undefined; lane = lanes.next()) {
    served.push(lane.at(0));
    lanes.take(lane, 1);
    lanes.finish(lane, [], 'ready');
  }
  t.strictSame(served, ['a1', 'b1', 'c1', 'a2', 'b2']);
});

t.test('keys are bytes: two that are no text are not the same', async (t) => {
  const lanes = new Lanes<number>('key');
  const group = lanes.group();
  group.add(Buffer.from([0xff, 0xfe]), 1);
  group.add(Buffer.from([0xff, 0xfd]), 2);
  lanes.take(lanes.next()!, 1);
  t.equal(lanes.next()?.at(0), 2, 'it does not wait for the other');
});

t.test('an empty lane is forgotten: a key that comes back gets a new one, in the old order', async (t) => {
  const lanes = new Lanes<number>('key');
  const group = lanes.group();
  const key = Buffer.from('a');
  group.add(key, 1);
  const first = lanes.next()!;
  lanes.take(first, 1);
  lanes.finish(first, [], 'ready');
  group.add(key, 2);
  const second = lanes.next()!;
  t.not(second, first);
  lanes.take(second, 1);
  group.forget(first);
  group.add(key, 3);
  t.equal(lanes.next(), undefined, 'the word of the old one does not make the new one forgotten');
  lanes.finish(second, [], 'ready');
  t.equal(lanes.next()?.at(0), 3);
});

t.test('long queues are compacted without a trace', async (t) => {
  const total = 5_000;
  for (const ordering of ['partition', 'none'] as const) {
    const lanes = new Lanes<number>(ordering);
    const group = lanes.group();
    for (let item = 0; item < total; item += 1) group.add(null, item);
    const served = new Set<number>();
    for (let lane = lanes.next(); lane !== undefined; lane = lanes.next()) {
      const first = lane.at(0);
      const isAgain = first % 7 === 0 && !served.has(first);
      served.add(first);
      lanes.take(lane, 1);
      lanes.finish(lane, isAgain ? [first] : [], 'ready');
    }
    t.strictSame(
      [...served],
      Array.from({ length: total }, (_, item) => item),
      ordering,
    );
  }
});

t.test('what was withdrawn is gone, and so is what was dropped', async (t) => {
  const lanes = new Lanes<number>('partition');
  const group = lanes.group();
  t.strictSame([...group.lanes()], []);
  t.strictSame([group.isWhole, new Lanes<number>('key').group().isWhole], [true, false]);
  for (let item = 0; item < 3; item += 1) group.add(null, item);
  const [lane] = [...group.lanes()];
  t.equal(lanes.withdraw(lane!, 1), true);
  t.equal(lanes.withdraw(lane!, 7), false);
  lanes.take(lanes.next()!, 1);
  lanes.finish(lane!, [0], 'parked');
  t.strictSame(group.parked, { lanes: 1, items: 2, bytes: 0 });
  group.drop();
  t.strictSame(group.parked, { lanes: 0, items: 0, bytes: 0 });
  t.equal(lanes.withdraw(lane!, 0), false);
});
