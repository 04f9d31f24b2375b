// A trigger's memory is bounded as a whole: each of its partitions may begin with a record that is larger than its share.
import t from 'tap';
import { until } from '../../scaler/fixtures/until.ts';
import { runPipeline } from './run-pipeline.ts';

t.setTimeout(100_000);

const partitions = Array.from({ length: 40 }, (_, index) => index);
const recordBytes = 12_000;

t.test(
  'records that are larger than a share: no more are fetched than fit, and all partitions have turns',
  async (t) => {
    const { kafka, member, fn, pipeline, seen } = await runPipeline(t, {
      partitions,
      bytes: 100_000,
      delivery: { ordering: 'partition' },
      answer: 'hang',
    });
    kafka.fetchSize = 1;
    const value = 'x'.repeat(recordBytes);
    for (let round = 0; round < 3; round += 1)
      for (const partition of partitions) kafka.produce({ partition, value });
    await until(() => member.paused.size === partitions.length);
    const { queued } = pipeline.snapshot();
    t.ok(queued * recordBytes < 100_000 + recordBytes, `${queued} records`);
    t.equal(seen('paused').length, partitions.length, 'each once');
    fn.answer(204);
    await fn.stop();
    await fn.start();
    await until(() => kafka.isDone(partitions));
    t.equal(member.paused.size, 0);
  },
);

t.test('a partition of which all fails leaves its neighbours their shares', async (t) => {
  const { kafka, member, pipeline } = await runPipeline(t, {
    partitions: [0, 1, 2, 3],
    records: 16,
    delivery: { ordering: 'partition', retry: -1 },
    answer: ({ headers }) => (headers['ce-partitionkey'] === 'bad' ? 500 : 204),
  });
  kafka.fetchSize = 1;
  for (let record = 0; record < 40; record += 1)
    for (const partition of [0, 1, 2, 3]) kafka.produce({ partition, key: partition === 3 ? 'good' : 'bad' });
  await until(() => kafka.isDone([3]));
  t.equal(pipeline.snapshot().queued, 12);
  t.strictSame([...member.paused].sort(), [0, 1, 2]);
});

t.test('what a partition had does not count any more when it is closed', async (t) => {
  const { kafka, member, fn, pipeline } = await runPipeline(t, {
    partitions: [0, 1],
    bytes: 30_000,
    drainLimitMs: 1,
    answer: 'hang',
  });
  kafka.fetchSize = 1;
  const value = 'x'.repeat(recordBytes * 3);
  kafka.produce({ partition: 0, value });
  await until(() => pipeline.snapshot().queued === 1);
  kafka.produce({ partition: 1, value });
  await until(() => member.paused.size === 2);
  await member.assign([1]);
  fn.answer(204);
  await until(() => kafka.isDone([1]));
});

t.test(
  'a record that fails and is larger than a share: its neighbour goes on in what it has left',
  async (t) => {
    const { kafka, pipeline } = await runPipeline(t, {
      partitions: [0, 1],
      bytes: 30_000,
      delivery: { ordering: 'partition', retry: -1 },
      answer: ({ headers }) => (headers['ce-partitionkey'] === 'bad' ? 500 : 204),
    });
    kafka.fetchSize = 1;
    kafka.produce({ partition: 0, key: 'bad', value: 'x'.repeat(22_000) });
    await until(() => pipeline.snapshot().queued === 1);
    for (let record = 0; record < 5; record += 1)
      kafka.produce({ partition: 1, key: 'good', value: 'x'.repeat(10_000) });
    await until(() => kafka.isDone([1]));
    t.equal(pipeline.snapshot().queued, 1);
  },
);
