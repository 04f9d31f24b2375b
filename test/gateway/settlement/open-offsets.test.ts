import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { varintBytes } from '../../../core/contract/marks/mark-bytes.ts';
import { OpenOffsets } from '../../../gateway/settlement/open-offsets.ts';

/** The bytes of the gaps in a list of `offsets`. */
function listBytes(offsets: readonly bigint[]): number {
  const gaps = offsets.map((offset, index) => (index === 0 ? 0n : offset - offsets[index - 1]! - 1n));
  return gaps.reduce((bytes, gap) => bytes + varintBytes(Number(gap)), 0);
}

const anyGap = fc.oneof(
  { arbitrary: fc.constant(0), weight: 20 },
  { arbitrary: fc.nat(20), weight: 2 },
  { arbitrary: fc.nat(40_000), weight: 1 },
);
const anyStep = fc.oneof(
  fc.record({ act: fc.constant('add' as const), gaps: fc.array(anyGap, { maxLength: 120, size: 'max' }) }),
  fc.record({
    act: fc.constant('remove' as const),
    picks: fc.array(fc.nat(), { maxLength: 100, size: 'max' }),
  }),
  fc.record({
    act: fc.constant('remove' as const),
    picks: fc.array(fc.constant(0), { maxLength: 50, size: 'max' }),
  }),
  fc.record({ act: fc.constant('miss' as const), by: fc.integer({ min: -5, max: 5 }), pick: fc.nat() }),
  fc.record({
    act: fc.constant('room' as const),
    room: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 300 })),
  }),
);
const anyBase = fc.oneof(
  fc.bigInt(0n, 100n),
  fc.bigInt(2n ** 53n - 3000n, 2n ** 53n),
  fc.bigInt(0n, 2n ** 62n),
);

/** Every offset below the horizon may be settled; the lowest one at or above it may not. */
function assertHorizon(horizon: bigint, open: readonly bigint[], end: bigint, room: number): void {
  const known = open.filter((offset) => offset < horizon - 1n);
  if (horizon <= end) {
    assert.ok(listBytes(known) <= room);
    const next = open.findIndex((offset) => offset >= horizon);
    if (next !== -1) assert.ok(listBytes(open.slice(0, next)) > room);
    return;
  }
  const ahead = Number(horizon - 1n - end);
  const dense = Array.from({ length: ahead }, (_, at) => end + BigInt(at));
  assert.ok(listBytes([...open, ...dense]) <= room, 'even with a record at each offset');
  if (ahead > 0) assert.ok(listBytes([...open, end + BigInt(ahead) - 1n]) <= room, 'or with one alone');
  assert.ok(listBytes([...open, ...dense, horizon - 1n]) > room, 'and no further');
}

t.test('it holds what a sorted array holds', async () => {
  fc.assert(
    fc.property(anyBase, fc.array(anyStep, { maxLength: 40, size: 'max' }), (base, steps) => {
      const offsets = new OpenOffsets(base);
      let open: bigint[] = [];
      let end = base;
      let room = 1;
      const agree = (): void => {
        assert.equal(offsets.size, open.length);
        if (open.length > 0) assert.equal(offsets.first, open[0]);
        const horizon = offsets.horizon(end, room);
        if (open.length === 0) assert.equal(horizon, end);
        else assertHorizon(horizon, open, end, room);
      };
      for (const step of steps) {
        if (step.act === 'room') ({ room } = step);
        if (step.act === 'miss') {
          const offset = (open[step.pick % Math.max(1, open.length)] ?? end) + BigInt(step.by);
          if (!open.includes(offset)) assert.equal(offsets.remove(offset), undefined);
        }
        for (const gap of step.act === 'add' ? step.gaps : []) {
          offsets.add(end + BigInt(gap));
          open.push(end + BigInt(gap));
          end += BigInt(gap) + 1n;
        }
        for (const pick of step.act === 'remove' ? step.picks.slice(0, open.length) : []) {
          const offset = open[pick % open.length]!;
          assert.equal(offsets.remove(offset), offset === open[0] ? 'first' : 'other');
          assert.equal(offsets.remove(offset), undefined, 'once');
          open = open.filter((one) => one !== offset);
          agree();
        }
        agree();
        assert.deepStrictEqual([...offsets.below(end)], open);
        const middle = open[open.length >>> 1] ?? end;
        assert.deepStrictEqual(
          [...offsets.below(middle)],
          open.filter((offset) => offset < middle),
        );
      }
    }),
    { numRuns: 100 },
  );
});

t.test('memory for at most four times what is open when it was needed last', async (t) => {
  const offsets = new OpenOffsets(0n);
  t.equal(offsets.capacity, 0, 'none for a partition at rest');
  for (let offset = 0n; offset < 1_000n; offset += 1n) offsets.add(offset);
  t.equal(offsets.capacity, 1_024);
  for (let offset = 10n; offset < 1_000n; offset += 1n) offsets.remove(offset);
  for (let offset = 1_000n; offset < 2_000n; offset += 1n) {
    offsets.add(offset);
    offsets.remove(offset);
  }
  t.equal(offsets.capacity, 64);
  t.strictSame([...offsets.below(1_000n)], [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n]);
});
