import t from 'tap';
import { encodeMark } from '../../../core/contract/marks/progress-mark.ts';
import { Lanes } from '../../../gateway/delivery/lanes.ts';
import { OpenPartition } from '../../../gateway/pipeline/open-partition.ts';
import { isOver, isUnder } from '../../../gateway/pipeline/paused-partitions.ts';

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

t.test(
  'what the progress mark would have no room for is not attempted, nor is more of it fetched',
  async (t) => {
    const { partition, fetch, taken } = openPartition();
    const horizon = partition.ledger.horizon();
    for (let offset = 0n; offset < horizon + 10n; offset += 1n) fetch(offset);
    t.equal(taken().length, Number(horizon));
    t.strictSame([isOver(partition, budget), isUnder(partition, budget)], [true, false]);
    for (let offset = 0n; offset < 5n; offset += 1n) partition.ledger.settle(offset);
    partition.catchUp();
    t.strictSame(
      taken(),
      [0n, 1n, 2n, 3n, 4n].map((offset) => horizon + offset),
    );
    for (let offset = 5n; offset < 10n; offset += 1n) partition.ledger.settle(offset);
    partition.catchUp();
    t.strictSame([isOver(partition, budget), isUnder(partition, budget)], [false, true]);
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
