// Keys that fail: each parks alone with its later records, and the memory of all of them together is bounded.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { until } from '../../scaler/fixtures/until.ts';
import { MemoryKafka } from '../../fixtures/kafka/memory-kafka.ts';
import { runPipeline } from './run-pipeline.ts';

t.setTimeout(100_000);

const keyOf = ({ headers }: { headers: Record<string, unknown> }) => headers['ce-partitionkey'] as string;
const byKey = { ordering: 'key' as const, retry: -1, backoffDelayMs: 5, backoffMaxMs: 5 };

t.test('one hot key that fails: the others go on until it has three quarters of the memory', async (t) => {
  const { kafka, member, fn, pipeline, seen } = await runPipeline(t, {
    records: 40,
    delivery: byKey,
    answer: (call) => (keyOf(call) === 'hot' ? 500 : 204),
  });
  kafka.fetchSize = 4;
  for (let record = 0; record < 400; record += 1)
    kafka.produce({ key: record % 2 === 0 ? 'hot' : `k${record}` });
  await until(() => pipeline.snapshot().congested === 1 && pipeline.snapshot().queued === 30);
  t.ok(member.paused.has(0));
  t.equal(kafka.settled(0).size, 30, 'as many of the others as stand among its records');
  t.match(pipeline.snapshot(), { parked: 1, blocked: 0 });
  t.match(seen('congested'), [[{}, { partition: 0 }, { lanes: 1, items: 30 }, true]]);
  await until(() => fn.calls.filter((call) => keyOf(call) === 'hot').length > 20);
  t.equal(seen('congested').length, 1, 'said once, however often it is tried again');
  fn.answer(204);
  await until(() => kafka.isDone());
  t.match(pipeline.snapshot(), { parked: 0, congested: 0, queued: 0 });
  t.equal(seen('congested').length, 2);
  t.equal(member.paused.size, 0);
});

t.test('by their bytes too', async (t) => {
  const { kafka, fn, pipeline } = await runPipeline(t, {
    bytes: 100_000,
    delivery: byKey,
    answer: (call) => (keyOf(call) === 'hot' ? 500 : 204),
  });
  kafka.fetchSize = 1;
  for (let record = 0; record < 20; record += 1)
    kafka.produce({ key: record % 2 === 0 ? 'hot' : 'cold', value: 'x'.repeat(24_500) });
  await until(() => pipeline.snapshot().congested === 1 && kafka.settled(0).size >= 2);
  t.ok(pipeline.snapshot().queued <= 4);
  fn.answer(204);
  await until(() => kafka.isDone());
});

t.test(
  'more keys than may fail at a time: no more is fetched of their partition, and of no other',
  async (t) => {
    const { kafka, member, fn, pipeline, seen } = await runPipeline(t, {
      partitions: [0, 1],
      delivery: { ...byKey, maxParkedKeys: 5 },
      answer: (call) => (keyOf(call).startsWith('bad') ? 500 : 204),
    });
    kafka.fetchSize = 1;
    for (let record = 0; record < 30; record += 1) {
      kafka.produce({ partition: 0, key: `bad${record}` });
      kafka.produce({ partition: 1, key: record < 5 ? `bad${record}` : 'good' });
    }
    await until(() => member.paused.has(0) && kafka.settled(1).size === 25);
    t.notOk(member.paused.has(1), 'five may');
    t.ok(pipeline.snapshot().parked < 30, 'what is not fetched does not fail');
    t.match(pipeline.snapshot(), { congested: 1 });
    t.match(
      seen('congested').map(([, { partition }, , isCongested]) => [partition, isCongested]),
      [[0, true]],
    );
    fn.answer(204);
    await until(() => kafka.isDone([0, 1]));
    t.match(pipeline.snapshot(), { parked: 0, congested: 0 });
  },
);

t.test('blocked keys count, and one that is skipped makes room', async (t) => {
  const { kafka, member, pipeline, seen } = await runPipeline(t, {
    delivery: { ...byKey, retry: 0, backoffMaxMs: 60_000, maxParkedKeys: 1 },
    answer: (call) => (keyOf(call).startsWith('bad') ? 400 : 204),
  });
  kafka.fetchSize = 1;
  for (const key of ['bad0', 'bad1', 'good', 'good', 'good']) kafka.produce({ key });
  await until(() => seen('blocked').length === 2 && member.paused.has(0));
  const request = { partition: 0, reason: '', by: 'me', deadLetter: true, waitMs: 1_000 };
  for (const offset of [0n, 1n]) await pipeline.skip({ ...request, offset });
  await until(() => kafka.isDone());
  t.equal(member.paused.size, 0);
});

t.test('under other orders the number of lanes is no limit', async (t) => {
  const { kafka, seen, fn } = await runPipeline(t, {
    delivery: { ...byKey, ordering: 'none', maxParkedKeys: 1 },
    answer: 500,
  });
  for (let record = 0; record < 30; record += 1) kafka.produce();
  await until(() => fn.calls.length > 60);
  t.equal(seen('congested').length, 0);
  fn.answer(204);
  await until(() => kafka.isDone());
});

t.test('whatever fails, for however long: nothing is lost, and each key keeps its order', async (t) => {
  const anyLife = fc.record({
    ordering: fc.constantFrom('key' as const, 'none' as const, 'partition' as const),
    keys: fc.array(fc.constantFrom('a', 'a', 'a', 'b', 'c', 'd', null), { minLength: 5, maxLength: 80 }),
    failing: fc.uniqueArray(fc.constantFrom('a', 'b', 'c')),
    maxParkedKeys: fc.integer({ min: 1, max: 3 }),
    records: fc.integer({ min: 1, max: 20 }),
    fetchSize: fc.integer({ min: 1, max: 5 }),
    failures: fc.integer({ min: 1, max: 40 }),
    batched: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(anyLife, async (life) => {
      const kafka = new MemoryKafka();
      let failures = 0;
      const { fn, pipeline, member, seen, stop } = await runPipeline(t, {
        kafka,
        records: life.records,
        function: life.batched
          ? { contentMode: 'batched', batch: { maxEvents: 3, maxBytes: 2 ** 20, maxWaitMs: 1 } }
          : {},
        delivery: {
          ...byKey,
          ordering: life.ordering,
          maxParkedKeys: life.maxParkedKeys,
          backoffDelayMs: 1,
          backoffMaxMs: 1,
        },
        answer: ({ ids }) => {
          const isBad = ids.some((id) =>
            life.failing.includes(life.keys[Number(id.split(':').at(-1))] as 'a'),
          );
          return isBad && (failures += 1) <= life.failures ? 500 : 204;
        },
      });
      kafka.fetchSize = life.fetchSize;
      for (const key of life.keys) kafka.produce({ key });
      let most = 0;
      await until(() => {
        most = Math.max(most, pipeline.snapshot().queued);
        return kafka.isDone();
      });
      assert.ok(most <= Math.max(life.records, 1) + life.fetchSize, `${most} in memory`);
      assert.match(JSON.stringify(pipeline.snapshot()), /"parked":0,"congested":0/);
      assert.equal(member.paused.size, 0);
      await stop();
      assert.equal(seen('settled').length, life.keys.length);
      if (life.ordering === 'none') return;
      const last = new Map<string, number>();
      for (const offset of fn.calls
        .flatMap(({ ids }) => ids.slice(0, 1))
        .map((id) => Number(id.split(':').at(-1)))) {
        const lane = life.ordering === 'partition' ? '' : life.keys[offset];
        if (lane === null || lane === undefined) continue;
        assert.ok(offset >= (last.get(lane) ?? -1), `${lane} went back to ${offset}`);
        last.set(lane, offset);
      }
    }),
    { numRuns: 60 },
  );
});
