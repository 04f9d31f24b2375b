import t from 'tap';
import { Lanes } from '../../../gateway/delivery/lanes.ts';
import { OpenPartition } from '../../../gateway/pipeline/open-partition.ts';
import { isOver, isUnder, updateCongestion } from '../../../gateway/pipeline/paused-partitions.ts';

const budget = { records: 100, bytes: 1_000 };

t.test('memory that is full stops the fetch, memory that is half free lets it go on', async (t) => {
  for (const limit of ['records', 'bytes'] as const) {
    const lanes = new Lanes<bigint>('none');
    const start = { offset: 0n, metadata: '' };
    const partition = new OpenPartition({ topic: 'orders', partition: 3 }, start, lanes.group());
    const fill = (used: number) => {
      partition[limit] = used;
      return { over: isOver(partition, budget), under: isUnder(partition, budget) };
    };
    t.strictSame(fill(budget[limit] / 2), { over: false, under: true });
    t.strictSame(fill(budget[limit] - 1), { over: false, under: false });
    t.strictSame(fill(budget[limit]), { over: true, under: false });
  }
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
      t.equal(isUnder(partition, { records: 100, bytes: 10_000 }), !isWhole, ordering);
      t.equal(isUnder(partition, { records: 99, bytes: 10_000 }), false);
      partition.bytes += 20;
      t.equal(isUnder(partition, { records: 200, bytes: 640 }), !isWhole);
      t.equal(isUnder(partition, { records: 200, bytes: 639 }), false);
      for (const budget of [
        { records: 80, bytes: 10_000 },
        { records: 10_000, bytes: 800 },
      ]) {
        const roomy = { records: budget.records + 1, bytes: budget.bytes + 1 };
        t.equal(updateCongestion(partition, roomy, 1), false);
        t.equal(updateCongestion(partition, budget, 1), !isWhole);
        t.equal(partition.congested, !isWhole);
        t.equal(updateCongestion(partition, roomy, 1), false, 'until it is less than half');
        t.equal(isOver(partition, { records: 1_000, bytes: 10_000 }), !isWhole);
        t.equal(updateCongestion(partition, { records: 1_000, bytes: 10_000 }, 10), !isWhole);
        t.equal(partition.congested, false);
      }
    }
  },
);
