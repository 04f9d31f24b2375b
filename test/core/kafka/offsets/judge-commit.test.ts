import t from 'tap';
import { emptyMark, encodeMark, type ProgressMark } from '../../../../core/contract/marks/progress-mark.ts';
import { isBeyondStable, isOutsideLog, judgeCommit } from '../../../../core/kafka/offsets/judge-commit.ts';
import type { PartitionOffsets } from '../../../../core/kafka/offsets/partition-offsets.ts';

const log = { cluster: '0badc0de', topic: '0123456789abcdef', epoch: 7 };
const another = { ...log, topic: 'fedcba9876543210' };
const attempts = new Map([
  [50n, 2],
  [130n, 4],
]);
/** Of 150 records, all from 51 on are settled, and 130 is not. */
const mark: ProgressMark = { open: [50n, 130n], end: 150n, attempts, partitions: 6, log };

function judge(
  metadata: string,
  rest: Partial<PartitionOffsets> = {},
  offset = 50n,
  leaderEpoch?: number,
): ReturnType<typeof judgeCommit> {
  return judgeCommit(offsetsOf(metadata, rest, offset, leaderEpoch));
}

function offsetsOf(
  metadata: string,
  rest: Partial<PartitionOffsets> = {},
  offset = 50n,
  leaderEpoch?: number,
): PartitionOffsets {
  const committed = { offset, metadata, leaderEpoch };
  return { topic: 'orders', partition: 0, logStart: 0n, end: 150n, log, committed, ...rest };
}
const written = encodeMark(50n, mark);
const nothing = (partitions?: number): ProgressMark => ({ ...emptyMark(50n), partitions });
const stands = { kind: 'stands', offset: 50n };

t.test('a mark of this log is believed', async (t) => {
  t.strictSame(judge(written), { ...stands, mark, unproved: 0n });
  const later = { log: { ...log, epoch: 9 } };
  t.strictSame(judge(written, { ...later, epochEnd: 150n }), { ...stands, mark, unproved: 0n });
  t.strictSame(judge(written, { end: 60n, highWatermark: 150n }), { ...stands, mark, unproved: 0n });
});

t.test('as far as the log has kept the epoch of the mark, and no farther', async (t) => {
  const cut = { open: [50n], end: 100n, attempts: new Map([[50n, 2]]), partitions: 6, log };
  // 100 to 149 but for 130.
  const told = { ...stands, mark: cut, unproved: 49n };
  t.match(judge(written, { epochEnd: 100n }), told);
  t.match(judge(written, { end: 100n, highWatermark: 100n }), told, 'nor beyond the end of the log');
  t.match(judge(written, { epochEnd: 50n }), { ...stands, mark: nothing(6), unproved: 98n });
});

t.test('a log that ends before the offset was truncated: on from where it left the epoch', async (t) => {
  const truncated = { kind: 'truncated', offset: 40n, partitions: 6 };
  t.strictSame(judge(written, { epochEnd: 40n }), truncated);
  t.strictSame(judge(written, { end: 40n, highWatermark: 40n }), truncated);
  t.strictSame(judge(written, { epochEnd: 40n, logStart: 45n }), { ...truncated, offset: 45n });
  const plain = judge('', { epochEnd: 40n }, 50n, 7);
  t.strictSame(plain, { ...truncated, partitions: undefined }, 'without a mark, the commit has an epoch');
  const { log: _, ...without } = mark;
  const first = encodeMark(50n, without).replace('mr2', 'mr1');
  t.strictSame(judge(first, { epochEnd: 40n }, 50n, 7), truncated, 'as with a mark that names no log');
  const copied = encodeMark(50n, { ...mark, log: { ...another, cluster: 'deadbeef' } });
  t.strictSame(judge(copied, { epochEnd: 40n }, 50n, 7), { ...truncated, partitions: undefined });
});

t.test('an epoch that is not known, here or there, proves nothing', async (t) => {
  const unproved = { ...stands, mark: nothing(6), unproved: 98n };
  t.strictSame(judge(written, { epochEnd: -1n }), unproved);
  t.strictSame(judge(encodeMark(50n, { ...mark, log: { ...log, epoch: undefined } })), unproved);
  t.strictSame(judge(written, { epochEnd: -1n, end: 40n }), {
    kind: 'truncated',
    offset: 40n,
    partitions: 6,
  });
});

t.test('a mark of another topic', async (t) => {
  const recreated = { kind: 'recreated', before: another.topic };
  t.strictSame(judge(encodeMark(50n, { ...mark, log: another })), recreated);
  const copied = encodeMark(50n, { ...mark, log: { ...another, cluster: 'deadbeef' } });
  t.strictSame(judge(copied), { ...stands, mark: nothing(), unproved: 98n }, 'of another cluster: copied');
  t.strictSame(judge(copied, { end: 40n }), { kind: 'outside' });
});

t.test('a mark that was copied from another partition of the topic', async (t) => {
  const here = { log: { ...log, partition: 0 } };
  const of = (partition: number) => encodeMark(50n, { ...mark, log: { ...log, partition } });
  t.match(judge(of(0), here), { ...stands, mark: { end: 150n, attempts }, unproved: 0n });
  t.strictSame(judge(written, here), { ...stands, mark, unproved: 0n }, 'those before it name none');
  t.strictSame(judge(of(1), here), { ...stands, mark: nothing(6), unproved: 98n });
  t.strictSame(judge(of(1), { ...here, end: 40n }), { kind: 'outside' });
  const truncated = { kind: 'truncated', offset: 40n, partitions: 6 };
  t.strictSame(judge(of(1), { ...here, epochEnd: 40n }), truncated, 'the epoch of the commit itself tells');
});

t.test('brokers without ids prove nothing', async (t) => {
  t.match(judge(written, { log: undefined }), { ...stands, unproved: 98n });
  const { log: _, ...without } = mark;
  t.strictSame(judge(encodeMark(50n, without)), { ...stands, mark: nothing(6), unproved: 98n });
});

t.test('a mark of the first version is believed if it ends within the log', async (t) => {
  const { log: _, ...without } = mark;
  const first = encodeMark(50n, without).replace('mr2', 'mr1');
  t.strictSame(judge(first), { ...stands, mark: without, unproved: 0n });
  t.strictSame(judge(first, { end: 149n }), { ...stands, mark: nothing(6), unproved: 98n });
  t.strictSame(judge(first, { end: 49n }), { kind: 'outside' });
});

t.test('no mark: the offset counts where it is within the log', async (t) => {
  t.strictSame(judge(''), { ...stands, mark: nothing(), unproved: 0n });
  t.strictSame(judge(`${written}A`), { ...stands, mark: nothing(), unproved: undefined }, 'damaged');
  t.strictSame(judge(written, {}, 51n), {
    ...stands,
    offset: 51n,
    mark: emptyMark(51n),
    unproved: undefined,
  });
  t.strictSame(judge('', { end: 40n }), { kind: 'outside' });
  t.strictSame(judge('', { epochEnd: -1n }, 50n, 7), { kind: 'outside' });
  t.strictSame(judge('', { committed: undefined }), { kind: 'none' });
});

t.test('what is to be looked up first', async (t) => {
  const beyond = (offsets: PartitionOffsets) => [isBeyondStable(offsets), isOutsideLog(offsets)];
  t.strictSame(beyond(offsetsOf(written)), [false, false]);
  t.strictSame(beyond(offsetsOf(written, { end: 149n })), [true, false]);
  t.strictSame(beyond(offsetsOf('', { end: 50n })), [false, false]);
  t.strictSame(beyond(offsetsOf('', { end: 49n })), [true, true]);
  t.strictSame(beyond(offsetsOf('', { end: 49n, highWatermark: 50n })), [true, false]);
  t.strictSame(beyond(offsetsOf('', { committed: undefined })), [false, false]);
});
