// What a record counts for while no function is ready is what it takes: the budget bounds memory, whatever the records are like.
import t from 'tap';
import { MemoryKafka } from '../../fixtures/kafka/memory-kafka.ts';
import { retainedMb } from '../../fixtures/retained-memory.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { runPipeline } from './run-pipeline.ts';

/** What the process itself grows by, such as compiled code, is little beside so many. */
const count = 10_000;
/** They have the code compiled that handles the others. */
const first = 2_000;

for (const ordering of ['partition', 'none'] as const)
  for (const headerCount of [0, 8, 32])
    t.test(`records of ${headerCount} headers that are held, ordering ${ordering}`, async (t) => {
      const kafka = new MemoryKafka();
      kafka.fetchSize = 500;
      const budget = { records: 2 * count, bytes: 2 ** 30 };
      const changes = { kafka, ...budget, delivery: { ordering }, endpoints: [] };
      const { events, member, pipeline } = await runPipeline(t, changes);
      let charged = 0;
      events.on('fetched', (_subscription, _records, bytes) => (charged += bytes));
      await until(() => member.assigned.has(0));
      for (let index = 0; index < first + count; index += 1)
        kafka.log(0).push({
          ...{ topic: kafka.topic, partition: 0, offset: BigInt(index), timestampMs: 1.7e12 + index },
          ...{ key: Buffer.from(`key ${index}`), value: Buffer.alloc(100, 'x') },
          headers: Array.from({ length: headerCount }, (_, header) => ({
            ...{ name: `name${header}`, value: Buffer.from(`${index}.${header}`) },
          })),
        });
      const hold = async (more: number) => {
        kafka.skip(0, more);
        await until(() => BigInt(pipeline.snapshot().queued) === kafka.end(0));
      };
      await hold(first);
      const before = retainedMb();
      charged = 0;
      await hold(count);
      const each = ((retainedMb() - before) * 2 ** 20) / count;
      t.comment(`${Math.round(each)} bytes, charged ${charged / count}`);
      t.ok(each < charged / count, `${each} bytes`);
    });
