import t from 'tap';
import { encodeMark } from '../../../core/contract/progress-mark.ts';
import { Lanes } from '../../../gateway/delivery/lanes.ts';
import { OpenPartition } from '../../../gateway/pipeline/open-partition.ts';

const budget = { records: 100, bytes: 1_000 };

function openPartition(start = { offset: 0n, metadata: '' }) {
  const lanes = new Lanes<bigint>('none');
  const partition = new OpenPartition({ topic: 'orders', partition: 3 }, start, lanes.group());
  const fetch = (offset: bigint): void => {
    partition.ledger.track(offset);
    partition.add(offset, null, offset);
  };
  const taken = (): bigint[] => {
    const items: bigint[] = [];
    for (let lane = lanes.next(); lane !== undefined; lane = lanes.next()) {
      items.push(lane.at(0));
      lanes.take(lane, 1);
    }
    return items;
  };
  return { partition, fetch, taken };
}

t.test('memory that is full stops the fetch, memory that is half free lets it go on', async (t) => {
  for (const limit of ['records', 'bytes'] as const) {
    const { partition } = openPartition();
    const judge = (used: number) => {
      partition[limit] = used;
      return { over: partition.isOver(budget), under: partition.isUnder(budget) };
    };
    t.strictSame(judge(budget[limit] / 2), { over: false, under: true });
    t.strictSame(judge(budget[limit] - 1), { over: false, under: false });
    t.strictSame(judge(budget[limit]), { over: true, under: false });
  }
});

t.test(
  'what the progress mark would have no room for is not attempted, nor is more of it fetched',
  async (t) => {
    const { partition, fetch, taken } = openPartition();
    const horizon = partition.ledger.horizon();
    for (let offset = 0n; offset < horizon + 10n; offset += 1n) fetch(offset);
    t.equal(taken().length, Number(horizon));
    t.strictSame([partition.isOver(budget), partition.isUnder(budget)], [true, false]);
    for (let offset = 0n; offset < 5n; offset += 1n) partition.ledger.settle(offset);
    partition.catchUp();
    t.strictSame(
      taken(),
      [0n, 1n, 2n, 3n, 4n].map((offset) => horizon + offset),
    );
    for (let offset = 5n; offset < 10n; offset += 1n) partition.ledger.settle(offset);
    partition.catchUp();
    t.strictSame([partition.isOver(budget), partition.isUnder(budget)], [false, true]);
  },
);

t.test('what it says when it goes, the next one knows', async (t) => {
  const { partition, fetch } = openPartition({
    offset: 7n,
    metadata: encodeMark(7n, { open: [], end: 7n, attempts: new Map(), partitions: 6 }),
  });
  for (let offset = 7n; offset < 12n; offset += 1n) fetch(offset);
  partition.ledger.settle(9n);
  partition.attempts.set(8n, 3);
  const { partition: next } = openPartition(partition.progress());
  t.strictSame(
    [7n, 8n, 9n, 10n].map((offset) => next.ledger.isSettled(offset)),
    [false, false, true, false],
  );
  t.equal(next.ledger.attemptsOf(8n), 3);
  t.equal(next.progress().metadata, partition.progress().metadata, 'and would say it again');
});

t.test(
  'what waits behind failures does not count for when fetching goes on, until it is three quarters',
  async (t) => {
    for (const ordering of ['key', 'partition'] as const) {
      const lanes = new Lanes<number>(ordering, () => 10);
      const partition = new OpenPartition(
        { topic: 'orders', partition: 3 },
        { offset: 0n, metadata: '' },
        lanes.group(),
      );
      const add = (count: number) => {
        for (let index = 0; index < count; index += 1) partition.lanes.add(Buffer.from('k'), index);
        partition.records += count;
        partition.bytes += 10 * count;
      };
      const fail = () => {
        const lane = lanes.next()!;
        lanes.take(lane, 1);
        lanes.finish(lane, [lane.at(0)], 'parked');
      };
      add(60);
      fail();
      partition.records += 20;
      const isWhole = ordering === 'partition';
      t.equal(partition.isUnder({ records: 100, bytes: 10_000 }), !isWhole, ordering);
      t.equal(partition.isUnder({ records: 99, bytes: 10_000 }), false);
      partition.bytes += 20;
      t.equal(partition.isUnder({ records: 200, bytes: 640 }), !isWhole);
      t.equal(partition.isUnder({ records: 200, bytes: 639 }), false);
      for (const budget of [
        { records: 80, bytes: 10_000 },
        { records: 10_000, bytes: 800 },
      ]) {
        const roomy = { records: budget.records + 1, bytes: budget.bytes + 1 };
        t.equal(partition.updateCongestion(roomy, 1), false);
        t.equal(partition.updateCongestion(budget, 1), !isWhole);
        t.equal(partition.congested, !isWhole);
        t.equal(partition.updateCongestion(roomy, 1), false, 'until it is less than half');
        t.equal(partition.isOver({ records: 1_000, bytes: 10_000 }), !isWhole);
        t.equal(partition.updateCongestion({ records: 1_000, bytes: 10_000 }, 10), !isWhole);
        t.equal(partition.congested, false);
      }
    }
  },
);
