import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { decodeMark, encodeMark, maxMarkBytes } from '../../../core/contract/marks/progress-mark.ts';
import { Ledger } from '../../../gateway/settlement/ledger.ts';

/** A simple model of the ledger, without regard for speed. */
class NaiveLedger {
  readonly tracked: bigint[] = [];
  readonly settled = new Set<bigint>();
  end: bigint;

  constructor(nextOffset: bigint) {
    this.end = nextOffset;
  }

  get open(): bigint[] {
    return this.tracked.filter((offset) => !this.settled.has(offset));
  }

  get position(): bigint {
    return this.open[0] ?? this.end;
  }
}

const gap = fc.oneof({ arbitrary: fc.constant(0), weight: 9 }, { arbitrary: fc.nat(90), weight: 1 });
const anyStep = fc.oneof(
  /** Fetched records, with what compaction and markers leave out between them. */
  fc.record({ act: fc.constant('track' as const), gaps: fc.array(gap, { minLength: 1, maxLength: 100 }) }),
  /** Which of the open ones are settled, in this order; 0 is the first. */
  fc.record({ act: fc.constant('settle' as const), picks: fc.array(fc.nat(), { maxLength: 60 }) }),
  fc.record({ act: fc.constant('settle' as const), picks: fc.array(fc.constant(0), { maxLength: 60 }) }),
  fc.record({ act: fc.constant('advance' as const), by: fc.integer({ min: -3, max: 5 }) }),
  fc.record({ act: fc.constant('offend' as const), pick: fc.nat() }),
);

function play(
  step: typeof anyStep extends fc.Arbitrary<infer T> ? T : never,
  model: NaiveLedger,
  ledger: Ledger,
) {
  switch (step.act) {
    case 'track':
      for (const left of step.gaps) {
        const offset = model.end + BigInt(left);
        ledger.track(offset);
        model.tracked.push(offset);
        model.end = offset + 1n;
        agree(ledger, model);
      }
      return;
    case 'settle':
      for (const pick of step.picks) {
        const { open, position } = model;
        if (open.length === 0) return;
        const offset = open[pick % open.length]!;
        model.settled.add(offset);
        assert.equal(ledger.settle(offset), model.position > position, 'it says whether the position moved');
        agree(ledger, model);
      }
      return;
    case 'advance': {
      const nextOffset = model.end + BigInt(step.by);
      ledger.advance(nextOffset);
      if (nextOffset > model.end) model.end = nextOffset;
      return;
    }
    case 'offend': {
      const between = model.tracked
        .map((offset) => offset + 1n)
        .filter((next) => !model.tracked.includes(next));
      const notOpen = [...model.settled, ...between, model.end, model.tracked[0] ?? 0n].map(
        (offset) => offset - 1n,
      );
      const offset = notOpen[step.pick % notOpen.length]!;
      if (offset < model.end) assert.throws(() => ledger.track(offset), RangeError);
      if (!model.open.includes(offset)) assert.throws(() => ledger.settle(offset), RangeError);
    }
  }
}

function agree(ledger: Ledger, model: NaiveLedger): void {
  assert.equal(ledger.position, model.position);
  assert.equal(ledger.end, model.end);
  assert.equal(ledger.open, model.open.length);
}

t.test('the position is the contiguous settled prefix at every instant', async () => {
  const anyLife = fc.array(anyStep, { maxLength: 30, size: 'max' });
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n }), anyLife, (start, steps) => {
      const model = new NaiveLedger(start);
      const ledger = new Ledger(start);
      agree(ledger, model);
      for (const step of steps) {
        play(step, model, ledger);
        agree(ledger, model);
      }
    }),
    { numRuns: 200 },
  );
});

t.test('an offset is tracked once and settled once', async (t) => {
  const ledger = new Ledger(100n);
  t.throws(
    () => ledger.settle(100n),
    { name: 'RangeError', message: /100 is not open/ },
    'nothing is tracked yet',
  );
  ledger.track(100n);
  ledger.track(105n);
  t.throws(() => ledger.track(100n), { name: 'RangeError', message: /100 is tracked already.* 106/ });
  for (const offset of [99n, 101n, 104n, 106n])
    t.throws(() => ledger.settle(offset), RangeError, `${offset}`);
  t.equal(ledger.settle(105n), false, 'it stands behind an open one');
  t.throws(() => ledger.settle(105n), RangeError);
  t.equal(ledger.position, 100n);
  t.equal(ledger.settle(100n), true);
  t.equal(ledger.position, 106n);
});

t.test('memory goes with what is open, not with what is settled behind it', async (t) => {
  const ledger = new Ledger(0n);
  ledger.track(0n);
  for (let offset = 1n; offset < 100_000n; offset += 1n) {
    ledger.track(offset);
    ledger.settle(offset);
  }
  t.strictSame([ledger.position, ledger.open, ledger.capacity], [0n, 1, 64]);
  for (let offset = 100_000n; offset < 110_000n; offset += 1n) ledger.track(offset);
  t.ok(ledger.capacity <= 32_768);
  for (let offset = 100_000n; offset < 109_999n; offset += 1n) ledger.settle(offset);
  for (let offset = 110_000n; offset < 150_000n; offset += 1n) {
    ledger.track(offset);
    ledger.settle(offset);
  }
  t.strictSame([ledger.open, ledger.capacity], [2, 64], 'and gives back what it needed once');
  t.ok(ledger.settle(0n));
  t.equal(ledger.position, 109_999n);
});

t.test('in order, a mark says nothing beyond the position', async (t) => {
  const ledger = new Ledger(5n);
  const empty = { open: [], attempts: new Map(), partitions: 3 };
  t.strictSame(ledger.mark([], 3), { ...empty, end: 5n });
  for (const offset of [5n, 6n, 7n]) ledger.track(offset);
  ledger.settle(5n);
  t.strictSame(ledger.mark([], 3), { ...empty, end: 6n });
  t.strictSame(ledger.mark([[6n, 4]], undefined), {
    open: [],
    end: 6n,
    attempts: new Map([[6n, 4]]),
    partitions: undefined,
  });
});

t.test('what is settled together with a commit counts as settled in it, and in nothing else', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('settled', 'staged', 'open', 'gap'), { maxLength: 60 }),
      (fates: readonly string[]) => {
        const [before, after] = [new Ledger(7n), new Ledger(7n)];
        const offsetsOf = (...wanted: string[]) =>
          fates.flatMap((fate, index) => (wanted.includes(fate) ? [BigInt(index) + 7n] : []));
        for (const ledger of [before, after]) {
          for (const offset of offsetsOf('settled', 'staged', 'open')) ledger.track(offset);
          for (const offset of offsetsOf('settled')) ledger.settle(offset);
        }
        const settling = new Set(offsetsOf('staged'));
        const attempts = offsetsOf('staged', 'open').map((offset) => [offset, 2] as const);
        const { position, open } = before;
        const together = before.mark(attempts, 3, maxMarkBytes, settling);
        const at = before.positionWith(settling);
        assert.deepEqual([before.position, before.open], [position, open]);
        for (const offset of settling) after.settle(offset);
        const left = attempts.filter(([offset]) => !settling.has(offset));
        assert.equal(at, after.position);
        assert.deepEqual(together, after.mark(left, 3));
      },
    ),
  );
});

t.test('a mark survives a second crash before anything was fetched, and in the midst of it', async (t) => {
  const mark = {
    open: [100n, 105n, 107n],
    end: 110n,
    attempts: new Map([
      [100n, 2],
      [107n, 9],
      [120n, 1],
    ]),
    partitions: 3,
  };
  t.strictSame(new Ledger(100n, mark).mark([], 3), mark);
  const ledger = new Ledger(100n, mark);
  t.strictSame(
    [100n, 101n, 104n, 105n, 106n, 107n, 109n, 110n, 111n].map((offset) => ledger.isSettled(offset)),
    [false, true, true, false, true, false, true, false, false],
  );
  t.strictSame(
    [100n, 105n, 107n, 120n].map((offset) => ledger.attemptsOf(offset)),
    [2, 0, 9, 1],
  );
  const ranges = [
    [101n, 104n],
    [101n, 105n],
    [108n, 109n],
    [108n, 110n],
    [109n, 108n],
    [99n, 99n],
  ] as const;
  t.strictSame(
    ranges.map(([first, last]) => ledger.areSettled(first, last)),
    [true, false, true, false, false, false],
  );
  ledger.track(100n);
  t.strictSame(ledger.mark([[100n, 5]], 3), {
    ...mark,
    attempts: new Map([
      [100n, 5],
      [107n, 9],
      [120n, 1],
    ]),
  });
  ledger.advance(104n);
  t.notOk(ledger.isSettled(103n), 'known already');
  ledger.settle(100n);
  t.equal(ledger.position, 104n);
  t.strictSame(ledger.mark([], 3), {
    ...mark,
    open: [105n, 107n],
    attempts: new Map([
      [107n, 9],
      [120n, 1],
    ]),
  });
  ledger.track(107n);
  t.equal(ledger.position, 107n, 'what vanished from the log is gone');
  ledger.advance(130n);
  t.strictSame(ledger.mark([[107n, 9]], 3), {
    open: [107n],
    end: 110n,
    attempts: new Map([[107n, 9]]),
    partitions: 3,
  });
  ledger.settle(107n);
  t.strictSame(ledger.mark([], 3), { open: [], end: 130n, attempts: new Map(), partitions: 3 });
});

t.test('the horizon: as far as a bitmap reaches, or a list, whichever is further', async (t) => {
  const ledger = new Ledger(1_000n);
  t.equal(ledger.horizon(), 21_168n);
  for (let offset = 1_000n; offset < 4_000n; offset += 1n) ledger.track(offset);
  t.equal(ledger.horizon(), 21_168n, 'more open offsets than a list could hold');
  for (let offset = 3_000n; offset < 4_000n; offset += 1n) ledger.settle(offset);
  ledger.advance(30_000n);
  t.equal(ledger.horizon(), 30_000n + 520n, '2,521 bytes, 2,000 of which are taken');
  for (let offset = 1_001n; offset < 3_000n; offset += 1n) ledger.settle(offset);
  t.equal(ledger.horizon(), 30_000n + 2_519n, 'a head that is stuck stops nothing behind it');
  t.equal(ledger.horizon(64), 30_000n);
  t.equal(ledger.horizon(), 30_000n + 2_519n);
  ledger.settle(1_000n);
  t.equal(ledger.horizon(), 30_000n + 20_168n);
});

t.test('what a filter settles above the horizon takes no room from what was attempted', async (t) => {
  const ledger = new Ledger(0n);
  for (let offset = 0n; offset < 30_000n; offset += 1n) ledger.track(offset);
  for (let offset = 1n; offset < 30_000n; offset += 2n) ledger.settle(offset);
  const horizon = ledger.horizon();
  t.equal(horizon, 20_168n);
  t.equal(ledger.mark([], undefined).end, horizon);
});

/** A partition of a topic, the last commit of its group, and a ledger that is restarted from them. */
class World {
  readonly #log: bigint[] = [];
  #logEnd: bigint;
  readonly settled = new Set<bigint>();
  readonly #attempts = new Map<bigint, number>();
  readonly #maxBytes: number;
  #ledger: Ledger;
  /** The offset where the fetch continues, and the offsets that it tracked. */
  #fetched: bigint;
  #tracked: bigint[] = [];
  #horizon = 0n;
  #commit: { offset: bigint; metadata: string; settled: Set<bigint>; attempts: Map<bigint, number> };

  constructor(start: bigint, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#logEnd = start;
    this.#fetched = start;
    this.#ledger = new Ledger(start);
    this.#commit = { offset: start, metadata: '', settled: new Set(), attempts: new Map() };
  }

  get #open(): bigint[] {
    return this.#tracked.filter((offset) => !this.settled.has(offset));
  }

  produce(gaps: readonly number[]): void {
    for (const left of gaps) {
      this.#log.push(this.#logEnd + BigInt(left));
      this.#logEnd += BigInt(left) + 1n;
    }
  }

  /** Only what is not in memory yet, because a ledger may misread that case. */
  compact(picks: readonly number[]): void {
    for (const pick of picks) {
      const offset = this.#log[pick % Math.max(1, this.#log.length)];
      if (offset !== undefined && offset >= this.#fetched) this.#log.splice(this.#log.indexOf(offset), 1);
    }
  }

  fetch(count: number, isWhole: boolean): void {
    const batch = this.#log.filter((offset) => offset >= this.#fetched).slice(0, count);
    for (const offset of batch) {
      const wasSettled = this.#commit.settled.has(offset);
      if (offset < this.#commit.offset) assert.ok(wasSettled);
      const passed = this.#ledger.isSettled(offset);
      assert.equal(passed, wasSettled, `${offset}: what was settled is passed over, and nothing else`);
      if (passed) continue;
      this.#ledger.track(offset);
      this.#tracked.push(offset);
      this.#restoreAttempts(offset);
    }
    if (batch.length > 0) this.#fetched = batch.at(-1)! + 1n;
    if (batch.length === 0 || isWhole) {
      this.#fetched = this.#log.find((offset) => offset >= this.#fetched) ?? this.#logEnd;
      this.#ledger.advance(this.#fetched);
    }
    this.check();
  }

  #restoreAttempts(offset: bigint): void {
    const restored = this.#ledger.attemptsOf(offset);
    const before = this.#commit.attempts.get(offset) ?? 0;
    const isFirst = [...this.#commit.attempts.keys()].every((other) => other >= offset);
    assert.ok(restored === before || (restored === 0 && !isFirst), 'the first of them keeps its count');
    if (restored > 0) this.#attempts.set(offset, restored);
    else this.#attempts.delete(offset);
  }

  /** Attempts all open offsets that may be attempted; every third attempt fails. */
  attempt(picks: readonly number[]): void {
    for (const [index, pick] of picks.entries()) {
      const allowed = this.#open.filter((offset) => offset < this.#ledger.horizon(this.#maxBytes));
      if (allowed.length === 0) return;
      const offset = allowed[pick % allowed.length]!;
      if (index % 3 === 2) {
        this.#attempts.set(offset, (this.#attempts.get(offset) ?? 0) + 1);
        continue;
      }
      const { position } = this.#ledger;
      this.settled.add(offset);
      this.#attempts.delete(offset);
      assert.equal(this.#ledger.settle(offset), offset === position);
      this.check();
    }
  }

  commit(): void {
    const offset = this.#ledger.position;
    const mark = this.#ledger.mark(this.#attempts, 7, this.#maxBytes);
    const metadata = encodeMark(offset, mark, this.#maxBytes);
    const read = decodeMark(offset, metadata);
    assert.deepStrictEqual([read.open, read.end], [mark.open, mark.end], 'it fits');
    this.#commit = {
      offset,
      metadata,
      settled: new Set(this.settled),
      attempts: new Map([...mark.attempts].filter(([one]) => this.#log.includes(one))),
    };
  }

  crash(): void {
    const { offset, metadata, settled } = this.#commit;
    this.settled.clear();
    for (const one of settled) this.settled.add(one);
    this.#attempts.clear();
    this.#ledger = new Ledger(offset, decodeMark(offset, metadata));
    this.#fetched = offset;
    this.#tracked = [];
    this.#horizon = 0n;
    this.check();
  }

  check(): void {
    const open = this.#open;
    const { position, end } = this.#ledger;
    assert.equal(position, open[0] ?? end);
    for (const offset of this.#log)
      if (offset < position) assert.ok(this.settled.has(offset), `${offset} is open, and passed`);
    const horizon = this.#ledger.horizon(this.#maxBytes);
    assert.ok(horizon > position);
    assert.ok(horizon >= this.#horizon, `the horizon falls from ${this.#horizon} to ${horizon}`);
    this.#horizon = horizon;
  }
}

const anyEvent = fc.oneof(
  fc.record({ act: fc.constant('produce' as const), gaps: fc.array(gap, { maxLength: 80, size: 'max' }) }),
  fc.record({ act: fc.constant('fetch' as const), count: fc.nat(60), isWhole: fc.boolean() }),
  fc.record({ act: fc.constant('fetch' as const), count: fc.nat(60), isWhole: fc.boolean() }),
  fc.record({
    act: fc.constant('attempt' as const),
    picks: fc.array(fc.nat(), { maxLength: 40, size: 'max' }),
  }),
  fc.record({
    act: fc.constant('attempt' as const),
    picks: fc.array(fc.nat(), { maxLength: 40, size: 'max' }),
  }),
  fc.record({ act: fc.constant('compact' as const), picks: fc.array(fc.nat(), { maxLength: 5 }) }),
  fc.record({ act: fc.constantFrom('commit' as const, 'crash' as const) }),
);

t.test('over restarts, nothing settled is repeated, nothing open is passed over, and all fits', async () => {
  const anyRoom = fc.constantFrom(64, 72, 100, 200, maxMarkBytes);
  const anyStart = fc.oneof(fc.bigInt(0n, 1000n), fc.bigInt(0n, 2n ** 62n));
  fc.assert(
    fc.property(
      anyStart,
      anyRoom,
      fc.array(anyEvent, { maxLength: 60, size: 'max' }),
      (start, maxBytes, events) => {
        const world = new World(start, maxBytes);
        for (const event of events) {
          if (event.act === 'produce') world.produce(event.gaps);
          else if (event.act === 'fetch') world.fetch(event.count, event.isWhole);
          else if (event.act === 'attempt') world.attempt(event.picks);
          else if (event.act === 'compact') world.compact(event.picks);
          else world[event.act]();
        }
      },
    ),
    { numRuns: 400 },
  );
});
