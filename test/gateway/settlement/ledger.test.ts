import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { Ledger } from '../../../gateway/settlement/ledger.ts';

/** The ledger as one writes it without a thought for speed. */
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

  get span(): number {
    return this.tracked.filter((offset) => offset >= this.position).length;
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
  assert.equal(ledger.span, model.span);
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

t.test('it grows while an early offset is open, wherever in its rings it begins', async (t) => {
  const ledger = new Ledger(0n);
  for (let offset = 0n; offset < 40n; offset += 1n) ledger.track(offset);
  for (let offset = 0n; offset < 30n; offset += 1n) ledger.settle(offset);
  for (let offset = 40n; offset < 500n; offset += 1n) ledger.track(offset);
  for (let offset = 499n; offset > 30n; offset -= 1n) t.notOk(ledger.settle(offset));
  t.strictSame([ledger.position, ledger.open, ledger.span], [30n, 1, 470]);
  t.ok(ledger.settle(30n));
  t.strictSame([ledger.position, ledger.open, ledger.span], [500n, 0, 0]);
});
