import fc from 'fast-check';
import t from 'tap';
import { encodeMark } from '../../../core/contract/progress-mark.ts';
import type { PartitionOffsets } from '../../../core/kafka/offsets/offsets-reader.ts';
import { backlog } from '../../../scaler/backlog/backlog.ts';

function partition(
  logStart: bigint,
  end: bigint,
  committed?: bigint,
  atStartTimestamp?: bigint,
): PartitionOffsets {
  return {
    topic: 'orders',
    partition: 0,
    logStart,
    end,
    committed: committed === undefined ? undefined : { offset: committed, metadata: '' },
    atStartTimestamp,
  };
}

t.test('counts what lies between the committed offset and the end', async (t) => {
  t.equal(backlog([partition(0n, 10n, 4n)], 'latest'), 6n);
  t.equal(backlog([partition(0n, 10n, 10n)], 'earliest'), 0n);
  t.equal(backlog([partition(0n, 10n, 4n), partition(0n, 7n, 0n)], 'latest'), 13n, 'over all partitions');
  t.equal(backlog([], 'earliest'), 0n, 'no partitions, no backlog');
});

t.test('never counts deleted history', async (t) => {
  t.equal(backlog([partition(8n, 10n, 4n)], 'latest'), 2n);
  t.equal(backlog([partition(10n, 10n, 4n)], 'latest'), 0n);
  t.equal(backlog([partition(8n, 10n)], 'earliest'), 2n);
  t.equal(backlog([partition(8n, 10n, undefined, 3n)], { timestampMs: 1 }), 2n);
});

t.test('is never negative: a commit may be younger than the end that was read', async (t) => {
  t.equal(backlog([partition(0n, 10n, 12n), partition(0n, 3n, 0n)], 'latest'), 3n);
});

t.test('begins where the trigger begins while nothing is committed', async (t) => {
  t.equal(backlog([partition(2n, 10n)], 'latest'), 0n);
  t.equal(backlog([partition(2n, 10n)], 'earliest'), 8n);
  t.equal(backlog([partition(2n, 10n, undefined, 7n)], { timestampMs: 1 }), 3n);
  t.equal(backlog([partition(2n, 10n, 4n, 7n)], { timestampMs: 1 }), 6n, 'a committed offset wins');
});

t.test('unknown is an error, never zero', async (t) => {
  t.throws(() => backlog([partition(0n, 10n)], { timestampMs: Date.UTC(2026, 0, 1) }), {
    code: 'MILLRACE_BACKLOG_UNKNOWN',
    message: /orders-0.*2026-01-01T00:00:00.000Z/,
  });
});

t.test('beyond what a double can count', async (t) => {
  t.equal(backlog([partition(0n, 2n ** 62n, 1n)], 'latest'), 2n ** 62n - 1n);
});

/** A partition whose group settled `settled` beyond the committed offset. */
function withMark(
  logStart: bigint,
  end: bigint,
  committed: bigint,
  settled: readonly bigint[],
): PartitionOffsets {
  const markEnd = settled.reduce((last, offset) => (offset >= last ? offset + 1n : last), committed);
  const open = [];
  for (let offset = committed; offset < markEnd; offset += 1n)
    if (!settled.includes(offset)) open.push(offset);
  const mark = { open, end: markEnd, attempts: new Map([[committed, 3]]), partitions: 6 };
  return {
    ...partition(logStart, end),
    committed: { offset: committed, metadata: encodeMark(committed, mark) },
  };
}

t.test('records that are settled out of order do not count', async (t) => {
  t.equal(backlog([withMark(0n, 10n, 4n, [])], 'latest'), 6n);
  t.equal(backlog([withMark(0n, 10n, 4n, [5n, 6n, 9n])], 'latest'), 3n);
  t.equal(
    backlog([withMark(0n, 10n, 4n, [5n, 6n, 7n, 8n, 9n]), partition(0n, 3n, 1n)], 'latest'),
    3n,
    'all but the one that is stuck, and another partition',
  );
  t.equal(backlog([withMark(6n, 10n, 4n, [5n, 6n, 9n])], 'latest'), 2n, 'deleted history counts once');
  t.equal(backlog([withMark(9n, 20n, 4n, [5n, 6n])], 'latest'), 11n, 'all that it knows is deleted');
  t.equal(
    backlog([withMark(0n, 8n, 4n, [5n, 6n, 9n])], 'latest'),
    4n,
    'a mark beyond the end is of another topic',
  );
});

t.test('metadata that is not ours changes nothing', async (t) => {
  const committed = (metadata: string) => ({ ...partition(0n, 10n), committed: { offset: 4n, metadata } });
  const ofAnother = withMark(0n, 10n, 3n, [5n, 6n]).committed!.metadata;
  for (const metadata of ['', 'AQAAAZ', 'mr9.AAAA', ofAnother])
    t.equal(backlog([committed(metadata)], 'latest'), 6n, metadata);
});

t.test('exact, whatever was settled in whatever order', async () => {
  const anyLife = fc.record({
    base: fc.bigInt(0n, 2n ** 61n),
    start: fc.nat(50),
    committed: fc.nat(50),
    settled: fc.uniqueArray(fc.nat(60), { maxLength: 60, size: 'max' }),
    further: fc.nat(30),
  });
  fc.assert(
    fc.property(anyLife, ({ base, start, committed, settled, further }) => {
      const beyond = settled.map((by) => base + BigInt(committed + 1 + by));
      const last = beyond.reduce((a, b) => (b > a ? b : a), base + BigInt(committed));
      const end = last + 1n + BigInt(further);
      const logStart = base + BigInt(start);
      let expected = 0n;
      for (let offset = base + BigInt(committed); offset < end; offset += 1n)
        if (offset >= logStart && !beyond.includes(offset)) expected += 1n;
      return backlog([withMark(logStart, end, base + BigInt(committed), beyond)], 'latest') === expected;
    }),
  );
});

const offsets = fc
  .record({
    logStart: fc.bigInt(0n, 2n ** 62n),
    length: fc.bigInt(0n, 10_000n),
    committed: fc.option(fc.bigInt(0n, 2n ** 62n), { nil: undefined }),
  })
  .map(({ logStart, length, committed }) => partition(logStart, logStart + length, committed));
const initial = fc.constantFrom('earliest' as const, 'latest' as const);

t.test('any offsets', async () => {
  fc.assert(
    fc.property(fc.array(offsets), initial, (partitions, initialOffset) => {
      const records = backlog(partitions, initialOffset);
      const held = partitions.reduce((sum, { logStart, end }) => sum + (end - logStart), 0n);
      const alone = partitions.reduce((sum, one) => sum + backlog([one], initialOffset), 0n);
      return records >= 0n && records <= held && records === alone;
    }),
  );
});

t.test('a commit never adds to the backlog, a record adds one where something is committed', async () => {
  fc.assert(
    fc.property(offsets, fc.bigInt(0n, 10_000n), (one, further) => {
      const committed = one.logStart + further;
      const before = backlog([{ ...one, committed: { offset: committed, metadata: '' } }], 'latest');
      const after = backlog([{ ...one, committed: { offset: committed + 1n, metadata: '' } }], 'latest');
      const grown = backlog(
        [{ ...one, end: one.end + 1n, committed: { offset: one.logStart, metadata: '' } }],
        'latest',
      );
      return after <= before && grown === one.end - one.logStart + 1n;
    }),
  );
});
