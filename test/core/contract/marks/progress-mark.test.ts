import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import {
  cutMark,
  decodeMark,
  encodeMark,
  isOfLog,
  isOfTopic,
  markRoom,
  markVersion,
  markedLog,
  maxMarkBytes,
  settledBeyond,
  type MarkedLog,
  type ProgressMark,
} from '../../../../core/contract/marks/progress-mark.ts';
import { varintBytes } from '../../../../core/contract/marks/mark-bytes.ts';

const none = (committed: bigint): ProgressMark => ({
  open: [],
  end: committed,
  attempts: new Map(),
  partitions: undefined,
});

/** The mark of what is settled among the offsets from `committed` on. */
function markOf(
  committed: bigint,
  settled: Iterable<bigint>,
  rest: Partial<ProgressMark> = {},
): ProgressMark {
  const done = new Set(settled);
  const end = [...done].reduce((last, offset) => (offset >= last ? offset + 1n : last), committed);
  const open = [];
  for (let offset = committed; offset < end; offset += 1n) if (!done.has(offset)) open.push(offset);
  return { ...none(committed), open, end, ...rest };
}

const anyCommitted = fc.oneof(fc.bigInt(0n, 1000n), fc.bigInt(0n, 2n ** 62n));
const anyGap = fc.oneof(
  { arbitrary: fc.bigInt(0n, 3n), weight: 20 },
  { arbitrary: fc.bigInt(0n, 300n), weight: 5 },
  { arbitrary: fc.bigInt(0n, 2n ** 55n), weight: 1 },
);
const anyMade = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 2 ** 31 }));
const anyPartitions = fc.option(fc.oneof(fc.nat(200), fc.nat(2 ** 31 - 1)), { nil: undefined });

/** `gaps` lie before each open offset, and before the end. */
function fromGaps(
  committed: bigint,
  gaps: readonly bigint[],
  made: readonly (number | undefined)[],
  partitions?: number,
): ProgressMark {
  const open: bigint[] = [];
  let next = committed;
  for (const gap of gaps) {
    open.push(next + gap);
    next += gap + 1n;
  }
  const end = open.pop() ?? committed;
  const attempts = new Map<bigint, number>();
  for (const [index, count] of made.entries())
    if (count !== undefined) attempts.set(open[index] ?? end + BigInt(index), count);
  return { open, end, attempts, partitions };
}

/** Marks of up to 40 open offsets, which always fit with their attempts. */
const anySmall = fc
  .tuple(
    anyCommitted,
    fc.array(anyGap, { maxLength: 40 }),
    fc.array(fc.option(anyMade, { nil: undefined }), { maxLength: 45 }),
    anyPartitions,
  )
  .map(([committed, gaps, made, partitions]) => ({
    committed,
    mark: fromGaps(committed, gaps, made, partitions),
  }));

/** Marks of any size: random, alternating, sparse with huge gaps, dense. */
const anyLarge = fc
  .tuple(
    anyCommitted,
    fc.oneof(
      fc.array(anyGap, { minLength: 200, maxLength: 6000, size: 'max' }),
      fc.nat(40_000).map((length) => Array.from({ length }, () => 1n)),
      fc.nat(40_000).map((length) => Array.from({ length }, () => 0n).concat(5n)),
      fc.nat(1_000).map((length) => Array.from({ length }, (_, at) => 2n ** BigInt(at % 50))),
      fc
        .tuple(fc.nat(40_000), fc.nat(40_000))
        .map(([one, two]) => [...Array.from({ length: one }, () => 0n), BigInt(two), 2n]),
    ),
    fc.array(fc.option(anyMade, { nil: undefined }), { maxLength: 3000 }),
    anyPartitions,
  )
  .map(([committed, gaps, made, partitions]) => ({
    committed,
    mark: fromGaps(committed, gaps, made, partitions),
  }));

const isSettled = (mark: ProgressMark, offset: bigint, open: ReadonlySet<bigint>): boolean =>
  offset < mark.end && !open.has(offset);

/** Nothing that `mark` says to be settled is open in `original`. */
function assertNoMoreSettled(mark: ProgressMark, original: ProgressMark): void {
  assert.ok(mark.end <= original.end);
  const open = new Set(mark.open);
  for (const offset of original.open) assert.ok(!isSettled(mark, offset, open), `${offset} is open`);
}

/** Neither as a list nor as a bitmap does the lowest settled offset that was forgotten fit into `room` bytes. */
function assertNeeded(committed: bigint, mark: ProgressMark, end: bigint, room: number): void {
  const open = new Set(mark.open);
  let forgotten = end;
  while (open.has(forgotten)) forgotten += 1n;
  assert.ok(forgotten - committed + 1n > BigInt(room) * 8n);
  let bytes = 0;
  let next = committed;
  for (const offset of mark.open.filter((one) => one < forgotten)) {
    bytes += varintBytes(Number(offset - next));
    next = offset + 1n;
  }
  assert.ok(bytes > room);
}

t.test('what fits is read as it was written', async () => {
  fc.assert(
    fc.property(anySmall, ({ committed, mark }) => {
      const text = encodeMark(committed, mark);
      assert.match(text, /^(mr2\.[A-Za-z0-9_-]+)?$/);
      assert.deepStrictEqual(decodeMark(committed, text), mark);
    }),
    { numRuns: 500 },
  );
});

t.test('whatever the pattern, it fits, keeps the partitions, and is never more settled', async () => {
  fc.assert(
    fc.property(anyLarge, fc.integer({ min: 64, max: maxMarkBytes }), ({ committed, mark }, maxBytes) => {
      const text = encodeMark(committed, mark, maxBytes);
      assert.ok(text.length <= maxBytes);
      const read = decodeMark(committed, text);
      assertNoMoreSettled(read, mark);
      assert.equal(read.partitions, mark.partitions);
      assert.deepStrictEqual(
        read.open,
        mark.open.filter((offset) => offset < read.end),
      );
      const attempts = [...mark.attempts];
      assert.deepStrictEqual(
        [...read.attempts],
        attempts.slice(0, read.attempts.size),
        'the lowest come first',
      );
      if (read.end < mark.end) {
        assertNeeded(committed, mark, read.end, markRoom(maxBytes));
        assert.notEqual(read.open.at(-1), read.end - 1n, 'what was open at the cut is not carried');
      }
    }),
    { numRuns: 150 },
  );
});

t.test('the room of the open set is its own, whatever else there is', async () => {
  const attempts = new Map(Array.from({ length: 9000 }, (_, at) => [BigInt(at), 100]));
  for (const maxBytes of [64, 300, maxMarkBytes]) {
    const room = markRoom(maxBytes);
    const committed = 2n ** 62n;
    for (const gaps of [
      Array.from({ length: room }, () => 1n).concat(0n),
      Array.from({ length: room * 4 }, () => 1n),
    ]) {
      const log = { cluster: 'ffffffff', topic: 'f'.repeat(16), epoch: 2 ** 31 - 1, partition: 2 ** 31 - 1 };
      const mark = { ...fromGaps(committed, gaps, []), attempts, partitions: 2 ** 31 - 1, log };
      assert.deepStrictEqual(decodeMark(committed, encodeMark(committed, mark, maxBytes)).open, mark.open);
    }
  }
});

t.test('attempts make way for the open set, those of the highest offsets first', async (t) => {
  const open = Array.from({ length: 1500 }, (_, at) => BigInt(at) * 100n);
  const mark = {
    open,
    end: 150_000n,
    attempts: new Map(open.toReversed().map((offset) => [offset, 3])),
    partitions: 12,
  };
  const text = encodeMark(0n, mark);
  t.ok(text.length > maxMarkBytes - 8 && text.length <= maxMarkBytes);
  const read = decodeMark(0n, text);
  t.strictSame([read.open, read.end, read.partitions], [open, 150_000n, 12]);
  t.ok(read.attempts.size > 700);
  t.strictSame([...read.attempts.keys()], open.slice(0, read.attempts.size));
});

t.test('a mark that says nothing is empty text; one that says little is short', async (t) => {
  t.equal(encodeMark(7n, none(7n)), '');
  t.equal(encodeMark(7n, none(3n)), '', 'an end below the committed offset says nothing');
  t.equal(
    encodeMark(
      7n,
      markOf(7n, [], {
        attempts: new Map([
          [6n, 2],
          [8n, 0],
        ]),
      }),
    ),
    '',
    'no attempts below, and none of none',
  );
  const short = encodeMark(2n ** 60n, { ...none(2n ** 60n), partitions: 24 });
  t.equal(short.length, 14);
  t.strictSame(decodeMark(2n ** 60n, short), { ...none(2n ** 60n), partitions: 24 });
  t.equal(decodeMark(7n, encodeMark(7n, { ...none(7n), partitions: 0 })).partitions, 0);
  const head = { ...none(7n), attempts: new Map([[7n, 9]]), partitions: 24 };
  t.strictSame(decodeMark(7n, encodeMark(7n, head)), head, 'the head that is retried, nothing behind it');
});

t.test('the format, byte by byte: other versions of this code read it', async (t) => {
  const list = { open: [100n, 400n], end: 402n, attempts: new Map([[100n, 3]]), partitions: 6 };
  const bitmap = markOf(100n, [101n, 103n, 104n, 109n]);
  const written = (mark: ProgressMark) =>
    Buffer.from(encodeMark(100n, mark).slice(4), 'base64url').subarray(0, -4).toString('hex');
  t.equal(written(list), '00' + '07' + 'ae02' + '02' + '00' + 'ab02' + '00' + '03');
  t.equal(written(bitmap), '01' + '00' + '0a' + 'e501');
  const blocked = { ...list, blocked: [100n, 402n] };
  t.equal(written(blocked), '02' + '07' + 'ae02' + '02' + '00' + 'ab02' + '02' + '00' + 'ad02' + '00' + '03');
});

t.test('what blocks is told besides all else, the lowest first', async (t) => {
  const anyBlocked = fc
    .uniqueArray(anyGap, { maxLength: 20 })
    .map((gaps) => gaps.toSorted((a, b) => (a < b ? -1 : 1)));
  fc.assert(
    fc.property(anySmall, anyBlocked, ({ committed, mark }, gaps) => {
      const blocked = gaps.map((gap) => committed + gap);
      const read = decodeMark(committed, encodeMark(committed, { ...mark, blocked }));
      const { blocked: told = [], ...rest } = read;
      assert.deepStrictEqual(told, blocked);
      assert.deepStrictEqual(rest, decodeMark(committed, encodeMark(committed, mark)));
    }),
  );
  const many = Array.from({ length: 5_000 }, (_, index) => BigInt(index) * 200n);
  const attempts = new Map(many.map((offset) => [offset, 9]));
  const crowded = { ...none(0n), attempts, blocked: many };
  const read = decodeMark(0n, encodeMark(0n, crowded));
  t.ok(read.blocked!.length > 500 && read.attempts.size > 500, 'each has its share of the room');
  t.strictSame(read.blocked, many.slice(0, read.blocked!.length));
  t.strictSame(decodeMark(0n, encodeMark(0n, { ...none(0n), blocked: [-1n, 3n] })).blocked, [3n]);
  const full = markOf(
    0n,
    Array.from({ length: 200 }, (_, index) => BigInt(index * 2 + 1)),
    { blocked: [2n ** 61n] },
  );
  t.equal(decodeMark(0n, encodeMark(0n, full, 64)).blocked, undefined, 'settled records go before it');
});

t.test('a list of what blocks that is too far off is none', async (t) => {
  const payload = Buffer.from('0207000001' + 'ffffffffffffffff7f', 'hex');
  const offset = Buffer.alloc(8);
  offset.writeBigInt64BE(5n);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(payload, crc32(offset)));
  const text = `mr2.${Buffer.concat([payload, checksum]).toString('base64url')}`;
  t.strictSame(decodeMark(5n, text), none(5n));
});

t.test('room there must be', async (t) => {
  t.throws(() => encodeMark(0n, none(0n), 63), { name: 'RangeError', message: /64 to 4096 bytes, not 63/ });
  t.throws(() => encodeMark(0n, none(0n), maxMarkBytes + 1), RangeError);
  const huge = { open: [2n ** 61n], end: 2n ** 62n, attempts: new Map(), partitions: 2 ** 31 - 1 };
  t.strictSame(decodeMark(0n, encodeMark(0n, huge, 64)), huge);
});

t.test('any other text is an empty mark', async (t) => {
  const foreign = [
    '',
    'mr2.',
    'mr2.AA',
    'mr3.AAAAAAAAAAA',
    'kafka-streams',
    '\ud800',
    `mr2.${'A'.repeat(maxMarkBytes)}`,
  ];
  for (const text of foreign) t.strictSame(decodeMark(5n, text), none(5n), JSON.stringify(text.slice(0, 20)));
  fc.assert(
    fc.property(
      anyCommitted,
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.base64String().map((text) => `mr2.${text}`),
      ),
      (committed, text) => {
        assert.deepStrictEqual(decodeMark(committed, text), none(committed));
      },
    ),
  );
});

t.test('a mark that is cut, damaged, or beside another offset, is an empty one', async () => {
  fc.assert(
    fc.property(anySmall, fc.nat(), fc.nat(7), fc.bigInt(1n, 100n), ({ committed, mark }, at, bit, by) => {
      const text = encodeMark(committed, mark);
      fc.pre(text !== '');
      const where = at % text.length;
      const cut = [text.slice(0, where), text.slice(where + 1), `${text}A`, `${text}=`, ` ${text}`];
      const flipped =
        text.slice(0, where) +
        String.fromCharCode(text.charCodeAt(where) ^ (1 << bit)) +
        text.slice(where + 1);
      for (const damaged of [...cut, flipped])
        assert.deepStrictEqual(decodeMark(committed, damaged), none(committed));
      assert.deepStrictEqual(decodeMark(committed + by, text), none(committed + by));
    }),
    { numRuns: 500 },
  );
});

/** Text with a true checksum, whatever it says. */
function forge(committed: bigint, payload: Uint8Array): string {
  const bytes = Buffer.alloc(payload.length + 4);
  bytes.set(payload);
  const offset = Buffer.alloc(8);
  offset.writeBigInt64BE(BigInt.asIntN(64, committed));
  bytes.writeUInt32BE(crc32(payload, crc32(offset)), payload.length);
  return `mr2.${bytes.toString('base64url')}`;
}

t.test('even text with a true checksum says nothing that cannot be', async (t) => {
  const wrong: Record<string, number[]> = {
    'nothing at all': [],
    'a kind of its own': [2, 0, 0, 0],
    'more partitions than there are': [0, 0x80, 0x80, 0x80, 0x80, 0x20, 0, 0],
    'an end beyond all offsets': [0, 0, ...Array<number>(8).fill(0xff), 0x7f, 0],
    'a number that never ends': [0, 0, ...Array<number>(12).fill(0xff)],
    'a list longer than the text': [0, 0, 20, 9, 0, 0],
    'an open offset at the end': [0, 0, 5, 1, 5],
    'a bitmap shorter than its end': [1, 0, 20, 0xff],
    'a bitmap with an offset past its end': [1, 0, 3, 0x08],
    'attempts without their number': [0, 0, 0, 0, 5],
    'no attempts': [0, 0, 0, 0, 5, 0],
    'attempts beyond all numbers': [0, 0, 0, 0, 5, ...Array<number>(8).fill(0xff), 0x7f],
    'attempts beyond all offsets': [0, 0, 0, 0, ...Array<number>(8).fill(0xff), 0x7f, 1],
  };
  for (const [what, bytes] of Object.entries(wrong))
    t.strictSame(decodeMark(1n, forge(1n, Buffer.from(bytes))), none(1n), what);
  t.strictSame(
    decodeMark(1n, forge(1n, Buffer.from([1, 0, 3, 0x05]))),
    { ...none(1n), open: [1n, 3n], end: 4n },
    'the forger can do it',
  );
  t.strictSame(decodeMark(2n ** 63n, forge(2n ** 63n, Buffer.from([0, 0, 0, 0]))), none(2n ** 63n));
  fc.assert(
    fc.property(anyCommitted, fc.uint8Array({ maxLength: 60 }), fc.boolean(), (committed, bytes, plain) => {
      const payload = plain ? bytes : [bytes.length % 2, 0, ...bytes];
      const { open, end, attempts } = decodeMark(committed, forge(committed, Uint8Array.from(payload)));
      const inside = [committed - 1n, ...open, end];
      assert.ok(inside.every((offset, at) => at === 0 || offset > inside[at - 1]! || open.length === 0));
      assert.ok(end >= committed && end < 2n ** 63n);
      for (const [offset, made] of attempts) assert.ok(offset >= committed && made > 0);
    }),
    { numRuns: 2000 },
  );
});

t.test('what is settled beyond the committed offset', async (t) => {
  t.equal(settledBeyond(5n, none(5n)), 0n);
  t.equal(settledBeyond(5n, none(2n)), 0n, 'never less than none');
  t.equal(settledBeyond(100n, markOf(100n, [101n, 103n, 104n])), 3n);
  t.equal(settledBeyond(0n, { ...none(0n), open: [0n, 2n ** 61n], end: 2n ** 62n }), 2n ** 62n - 2n);
});

const log = { cluster: '0badc0de', topic: '0123456789abcdef', epoch: 7 };

t.test('the log that it is true of', async (t) => {
  const places = [{}, { partition: 0 }, { partition: 300 }, { partition: 2 ** 31 - 1 }];
  for (const epoch of [undefined, 0, 7, 2 ** 31 - 1])
    for (const place of places) {
      const mark = { ...markOf(100n, [102n]), log: { ...log, epoch, ...place }, blocked: [100n] };
      const { partition = 'none' } = mark.log as { partition?: number };
      t.strictSame(decodeMark(100n, encodeMark(100n, mark)), mark, `epoch ${epoch}, partition ${partition}`);
    }
  const written = (of: MarkedLog) =>
    Buffer.from(encodeMark(100n, { ...none(100n), log: of }).slice(4), 'base64url').toString('hex', 0, 17);
  t.match(written(log), /^0500000badc0de0123456789abcdef08/);
  t.equal(written({ ...log, partition: 5 }), '0d' + '00' + '00' + '0badc0de0123456789abcdef' + '08' + '05');
  const tooHigh = Buffer.from('040000' + '0badc0de0123456789abcdef' + 'ffffffff7f' + '00', 'hex');
  t.strictSame(decodeMark(1n, forge(1n, tooHigh)), none(1n), 'an epoch beyond all epochs');
  t.strictSame(decodeMark(1n, forge(1n, tooHigh.subarray(0, 9))), none(1n), 'a log that is cut');
  const noPartition = Buffer.from('0c0000' + '0badc0de0123456789abcdef' + '08' + '8080808008' + '00', 'hex');
  t.strictSame(decodeMark(1n, forge(1n, noPartition)), none(1n), 'a partition beyond all partitions');
  t.strictSame(decodeMark(1n, forge(1n, noPartition.subarray(0, 18))), none(1n), 'a partition that is cut');
  t.strictSame(decodeMark(1n, forge(1n, Buffer.from([8, 0, 0, 0]))), none(1n), 'a partition of no log');
  const id = '0123456789abcdef0123456789abcdef';
  t.strictSame(markedLog(id, 'MkU3OEVBNTcwNTJENDM2Qk', { epoch: 3, partition: 0 }), {
    cluster: 'bcf4d31e',
    topic: '0123456789abcdef',
    epoch: 3,
    partition: 0,
  });
  t.strictSame(markedLog(id, 'cluster'), {
    cluster: 'e5c56994',
    topic: '0123456789abcdef',
    epoch: undefined,
  });
  t.equal(markedLog(undefined, 'cluster'), undefined);
  t.equal(markedLog(id, undefined), undefined);
});

t.test('a mark is of its own partition alone; one that names none, of any of the topic', async (t) => {
  const [first, second] = [
    { ...log, partition: 0 },
    { ...log, partition: 1 },
  ];
  for (const [what, marked, now, isTopic, isLog] of [
    ['its own', first, { ...first, epoch: 9 }, true, true],
    ['another partition', first, second, true, false],
    ['a mark without one', log, second, true, true],
    ['another topic', first, { ...first, topic: 'fedcba9876543210' }, false, false],
    ['another cluster', first, { ...first, cluster: 'deadbeef' }, false, false],
    ['no mark', undefined, first, false, false],
    ['no log', first, undefined, false, false],
    ['neither', undefined, undefined, false, false],
  ] as const)
    t.strictSame([isOfTopic(marked, now), isOfLog(marked, now)], [isTopic, isLog], what);
});

t.test('marks of the first version name no log, and are read', async (t) => {
  const mark = { ...markOf(100n, [102n, 104n]), blocked: [100n], partitions: 6 };
  const text = encodeMark(100n, mark).replace('mr2', 'mr1');
  t.strictSame(decodeMark(100n, text), mark);
  for (const marked of [log, { ...log, partition: 0 }]) {
    const withLog = encodeMark(100n, { ...mark, log: marked }).replace('mr2', 'mr1');
    t.strictSame(decodeMark(100n, withLog), none(100n));
  }
  t.strictSame(['mr1.x', 'mr2.x', 'mr3.x', ''].map(markVersion), [1, 2, undefined, undefined]);
});

t.test('a mark that is cut says nothing about what lies beyond', async (t) => {
  const attempts = new Map([
    [100n, 3],
    [104n, 1],
  ]);
  const mark = { ...markOf(100n, [102n, 105n]), attempts, blocked: [100n, 104n], partitions: 6 };
  t.strictSame(cutMark(100n, mark, 200n), mark);
  t.strictSame(cutMark(100n, mark, 104n), {
    open: [100n, 101n, 103n],
    end: 104n,
    attempts: new Map([[100n, 3]]),
    blocked: [100n],
    partitions: 6,
  });
  t.strictSame(cutMark(100n, mark, 100n), { ...none(100n), partitions: 6 });
});
