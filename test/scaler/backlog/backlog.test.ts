import fc from 'fast-check';
import t from 'tap';
import { encodeMark } from '../../../core/contract/marks/progress-mark.ts';
import type { PartitionOffsets } from '../../../core/kafka/offsets/partition-offsets.ts';
import type { InitialOffset, Subscription } from '../../../core/contract/subscription.ts';
import { triggerBacklog } from '../../../scaler/backlog/backlog.ts';

type Ordering = Subscription['delivery']['ordering'];
const measured = (
  partitions: PartitionOffsets[],
  ordering: Ordering = 'partition',
  initialOffset: InitialOffset = 'latest',
  retry = 3,
) => triggerBacklog(partitions, { source: { initialOffset }, delivery: { ordering, retry } });
const backlog = (partitions: PartitionOffsets[], initialOffset: InitialOffset) =>
  measured(partitions, 'partition', initialOffset).records;

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

t.test(
  'an offset beyond the end of the log is none: the topic is another one, or has lost its end',
  async (t) => {
    const beyond = partition(2n, 340n, 500n, 7n);
    t.equal(backlog([beyond], 'earliest'), 338n);
    t.equal(backlog([beyond], 'latest'), 0n);
    t.equal(backlog([beyond], { timestampMs: 1 }), 333n);
    const marked = { ...beyond, committed: withMark(2n, 510n, 500n, [505n]).committed };
    t.equal(backlog([marked], 'earliest'), 338n, 'nor does its progress mark count');
    const behindTransaction = { ...beyond, highWatermark: 500n };
    t.equal(backlog([behindTransaction], 'earliest'), 0n, 'a consumer of uncommitted records is ahead');
    t.equal(backlog([{ ...beyond, highWatermark: 499n }], 'earliest'), 338n);
    const within = partition(2n, 600n, 500n);
    t.equal(backlog([within], 'earliest'), 100n, 'offsets alone do not tell');
    t.equal(backlog([{ ...within, epochEnd: -1n }], 'earliest'), 598n, 'leader epochs do');
    t.equal(backlog([{ ...within, epochEnd: 450n }], 'latest'), 150n, 'and where the log left them');
  },
);

t.test('unknown is an error, never zero', async (t) => {
  t.throws(() => backlog([partition(0n, 10n)], { timestampMs: Date.UTC(2026, 0, 1) }), {
    code: 'MILLRACE_BACKLOG_UNKNOWN',
    message: /orders-0.*2026-01-01T00:00:00.000Z/,
  });
});

t.test('beyond what a double can count', async (t) => {
  t.equal(backlog([partition(0n, 2n ** 62n, 1n)], 'latest'), 2n ** 62n - 1n);
});

const log = { cluster: '0badc0de', topic: '0123456789abcdef', epoch: 7 };

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
  const mark = { open, end: markEnd, attempts: new Map([[committed, 3]]), partitions: 6, log };
  return {
    ...partition(logStart, end),
    log,
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
    2n,
    'what a mark says beyond the end of the log is not believed',
  );
});

t.test('what nothing proves to be settled counts', async (t) => {
  const marked = withMark(0n, 10n, 4n, [5n, 6n, 9n]);
  t.equal(backlog([{ ...marked, epochEnd: 6n }], 'latest'), 5n);
  t.equal(backlog([{ ...marked, epochEnd: 2n }], 'latest'), 8n, 'the end of the log was lost: on from there');
  t.equal(backlog([{ ...marked, log: undefined }], 'latest'), 6n, 'brokers without ids');
  t.equal(backlog([{ ...marked, log: { ...log, cluster: 'deadbeef' } }], 'latest'), 6n, 'copied');
  t.equal(
    backlog([{ ...marked, log: { ...log, topic: 'fedcba9876543210' } }], 'latest'),
    10n,
    'deleted and created again: all of it is owed',
  );
  t.equal(backlog([{ ...marked, end: 8n, highWatermark: 10n }], 'latest'), 2n, 'none behind a transaction');
});

/** A partition of ten records from offset 4 on, with this in its mark. */
function withStuck(
  attempts: [bigint, number][],
  blocked: bigint[] = [],
  { open = [], end = 4n }: { open?: bigint[]; end?: bigint } = {},
): PartitionOffsets {
  const mark = { open, end, attempts: new Map(attempts), blocked, partitions: 6, log };
  return { ...partition(0n, 14n), log, committed: { offset: 4n, metadata: encodeMark(4n, mark) } };
}

t.test('what replicas can do something about, and in how many lanes', async (t) => {
  const [full, empty, deleted] = [partition(0n, 14n, 4n), partition(0n, 14n, 14n), partition(6n, 14n, 4n)];
  const parked = withStuck([[6n, 9]], [6n], { open: [6n], end: 8n });
  for (const [what, partitions, ordering, records, movable, lanes] of [
    ['one partition of three owes something', [full, empty, empty], 'partition', 10n, 10n, 1n],
    ['two do', [full, empty, full], 'partition', 20n, 20n, 2n],
    ['no lane of its own is known', [full, empty], 'key', 10n, 10n, 10n],
    ['every record has one', [full, empty], 'none', 10n, 10n, 10n],
    ['the head is tried again', [withStuck([[4n, 3]])], 'partition', 10n, 10n, 1n],
    ['the attempts of the head are used up', [withStuck([[4n, 4]]), full], 'partition', 20n, 10n, 1n],
    ['the head was rejected', [withStuck([[4n, 1]], [4n])], 'partition', 10n, 0n, 0n],
    ['the head cannot be decoded', [withStuck([], [4n])], 'partition', 10n, 0n, 0n],
    [
      'a blocked head that Kafka has deleted since',
      [{ ...withStuck([], [4n]), logStart: 6n }],
      'partition',
      8n,
      8n,
      1n,
    ],
    ['behind the commit, before it was deleted', [deleted], 'partition', 8n, 8n, 1n],
    ['one key of many is blocked', [parked], 'key', 7n, 6n, 6n],
    ['only what blocks is left', [withStuck([[4n, 9]], [4n], { open: [4n], end: 14n })], 'none', 1n, 0n, 0n],
  ] as const) {
    t.match(measured([...partitions], ordering), { records, movable, lanes }, what);
  }
  t.match(measured([withStuck([[4n, 99]])], 'partition', 'latest', -1), { movable: 10n }, 'tried for ever');
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
