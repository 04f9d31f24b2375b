import t from 'tap';
import { Lanes } from '../../../gateway/delivery/lanes.ts';
import type { Delivery } from '../../../gateway/pipeline/delivery.ts';
import { OpenPartition } from '../../../gateway/pipeline/partition.ts';

const budget = { records: 100, bytes: 1_000 };

const openPartition = () =>
  new OpenPartition({ topic: 'orders', partition: 3 }, 0n, new Lanes<Delivery>('none').group());

t.test('memory that is full stops the fetch, memory that is half free lets it go on', async (t) => {
  for (const limit of ['records', 'bytes'] as const) {
    const partition = openPartition();
    const judge = (used: number) => {
      partition[limit] = used;
      return { over: partition.isOver(budget), under: partition.isUnder(budget) };
    };
    t.strictSame(judge(budget[limit] / 2), { over: false, under: true });
    t.strictSame(judge(budget[limit] - 1), { over: false, under: false });
    t.strictSame(judge(budget[limit]), { over: true, under: false });
  }
});

t.test('no more is fetched than may be attempted', async (t) => {
  const partition = openPartition();
  const { ledger } = partition;
  const horizon = ledger.horizon();
  while (ledger.end < horizon - 1n) ledger.track(ledger.end);
  t.notOk(partition.isOver(budget));
  ledger.track(ledger.end);
  t.ok(partition.isOver(budget));
  for (let offset = 0n; offset < 511n; offset += 1n) ledger.settle(offset);
  t.strictSame([partition.isOver(budget), partition.isUnder(budget)], [false, false]);
  ledger.settle(511n);
  t.ok(partition.isUnder(budget));
});
