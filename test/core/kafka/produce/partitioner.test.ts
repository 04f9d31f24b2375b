import fc from 'fast-check';
import kafkajs from 'kafkajs';
import t from 'tap';
import { createPartitioner } from '../../../../core/kafka/produce/partitioner.ts';

const led = (...leaders: (number | undefined)[]) => new Map(leaders.entries());

t.test('a key has the partition that Java and kafkajs give it', async () => {
  const theirs = kafkajs.Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 60 }), (bytes, count) => {
      const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
        ...{ partitionErrorCode: 0, partitionId, leader: 1, replicas: [], isr: [] },
      }));
      const key = Buffer.from(bytes);
      const expected = theirs({ topic: 'any', partitionMetadata, message: { key, value: null } });
      return createPartitioner()(key, led(...Array.from({ length: count }, () => 1))) === expected;
    }),
    { numRuns: 2_000 },
  );
});

t.test('a partition without a leader keeps its keys, and gets nothing without a key', async (t) => {
  const partitionOf = createPartitioner();
  const key = Buffer.from('one');
  t.equal(partitionOf(key, led(undefined, undefined, undefined)), partitionOf(key, led(1, 1, 1)));
  const chosen = Array.from({ length: 40 }, () => partitionOf(null, led(1, undefined, 1)));
  t.strictSame(new Set(chosen), new Set([0, 2]), 'in turn');
  t.equal(chosen.filter((partition) => partition === 0).length, 20);
  t.strictSame(new Set([0, 1, 2].map(() => partitionOf(null, led(undefined, undefined, undefined)))).size, 3);
});
