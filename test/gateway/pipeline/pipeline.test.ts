import fc from 'fast-check';
import t from 'tap';
import { RecordIntake } from '../../../gateway/pipeline/record-intake.ts';
import { MemoryKafka } from '../../fixtures/kafka/memory-kafka.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { offsetsOf, runPipeline } from './run-pipeline.ts';

t.setTimeout(100_000);

const deadLetter = { topic: 'quakes.dead' };

t.test('every record is settled once and committed, gaps included', async (t) => {
  const { kafka, pipeline, seen } = await runPipeline(t, { partitions: [0, 1] });
  kafka.skip(0, 2);
  for (let record = 0; record < 50; record += 1) kafka.produce({ partition: record % 2 });
  kafka.skip(1, 1);
  await until(() => kafka.isDone([0, 1]));
  t.strictSame(
    [...kafka.committed],
    [
      [0, 27n],
      [1, 26n],
    ],
  );
  t.equal(seen('settled').length, 50);
  t.match(pipeline.snapshot(), {
    state: 'consuming',
    ready: true,
    partitions: 2,
    delivered: 50,
    queued: 0,
    inFlight: 0,
  });
});

t.test('markers alone move the commit too', async (t) => {
  const { kafka } = await runPipeline(t);
  kafka.skip(0, 3);
  await until(() => kafka.isDone());
  t.equal(kafka.committed.get(0), 3n);
});

t.test('nothing is lost and nothing committed too early, whatever fails', async (t) => {
  const anyLife = fc.record({
    ordering: fc.constantFrom('partition' as const, 'key' as const, 'none' as const),
    answers: fc.array(fc.constantFrom(200, 204, 400, 500, 'reset' as const), {
      minLength: 60,
      maxLength: 60,
    }),
    failures: fc.array(fc.constantFrom('commit' as const, 'none' as const), { minLength: 5, maxLength: 5 }),
    keys: fc.array(fc.constantFrom(null, 'a', 'b'), { minLength: 5, maxLength: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(anyLife, async ({ ordering, answers, failures, keys }) => {
      const { kafka, member, seen, stop } = await runPipeline(t, {
        partitions: [0],
        records: 8,
        delivery: { ordering, retry: 2, backoffDelayMs: 1, backoffMaxMs: 2, deadLetter },
        answer: (_call, index) => answers[index] ?? 204,
      });
      for (const [index, key] of keys.entries()) {
        kafka.produce({ partition: index % 3, key });
        if (index % 8 === 0) {
          kafka.failsCommit = failures[index / 8] === 'commit';
          await member.assign([[0, 1], [1, 2, 0], [0]][(index / 8) % 3]!);
        }
      }
      kafka.failsCommit = false;
      await member.assign([0, 1, 2]);
      await until(() => kafka.isDone([0, 1, 2]));
      await stop();
      if (seen('settled').length < keys.length) throw new Error('a record was not settled');
      // A failed commit before a partition goes elsewhere means duplicates; nothing else does.
      const wasClean = seen('commitFailed').length === 0;
      const others = kafka.violations.filter((text) => wasClean || !text.endsWith('settled twice'));
      kafka.violations.length = 0;
      if (others.length > 0) throw new Error(others.join('; '));
    }),
    { numRuns: 25 },
  );
});

t.test('a slow function pauses its partitions, each for itself, and memory is given back', async (t) => {
  const { kafka, member, fn, seen, pipeline } = await runPipeline(t, {
    partitions: [0, 1],
    records: 40,
    answer: ({ ids }) => (ids[0]!.startsWith('partition:0') ? 'hang' : 204),
    delivery: { timeoutMs: 300, retry: -1, backoffDelayMs: 1, backoffMaxMs: 1 },
  });
  for (let record = 0; record < 200; record += 1) kafka.produce({ partition: record % 2 });
  await until(() => kafka.isDone([1]));
  t.ok(member.paused.has(0), 'the one that is stuck');
  t.notOk(member.paused.has(1));
  t.ok(pipeline.snapshot().queued <= 20 + kafka.fetchSize, 'its part of the budget, and one fetch');
  fn.answer(204);
  await until(() => kafka.isDone([0, 1]));
  t.equal(member.paused.size, 0);
  t.match(pipeline.snapshot(), { queued: 0, inFlight: 0 });
  const paused = seen('paused').filter(([, { partition }]) => partition === 0);
  t.ok(
    paused.every(([, , isPaused], index) => isPaused === (index % 2 === 0)),
    'by turns',
  );
  t.equal(paused.length % 2, 0);
});

t.test('large records pause by their bytes', async (t) => {
  const { kafka, member, fn, pipeline } = await runPipeline(t, {
    bytes: 100_000,
    answer: 500,
    delivery: { retry: -1, backoffMaxMs: 5 },
  });
  kafka.fetchSize = 1;
  for (let record = 0; record < 20; record += 1) kafka.produce({ value: 'x'.repeat(30_000) });
  await until(() => member.paused.has(0));
  t.equal(pipeline.snapshot().queued, 4);
  fn.answer(204);
  await until(() => kafka.isDone());
  t.match(pipeline.snapshot(), { queued: 0 });
});

t.test('one record that is retried for long holds up no other: memory is for what is open', async (t) => {
  const { kafka, fn, pipeline } = await runPipeline(t, {
    records: 10,
    delivery: { ordering: 'none', retry: -1, backoffMaxMs: 10 },
    answer: ({ ids }) => (ids[0] === 'partition:0/offset:0' ? 500 : 204),
  });
  for (let record = 0; record < 1_000; record += 1) kafka.produce();
  await until(() => kafka.settled(0).size === 999);
  t.equal(kafka.committed.get(0), 0n);
  t.match(pipeline.snapshot(), { queued: 1 });
  fn.answer(204);
  await until(() => kafka.isDone());
});

t.test('what leaves is finished, what stays goes on, and neither waits for the other', async (t) => {
  const answers = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  const { kafka, member, fn } = await runPipeline(t, {
    partitions: [0, 1],
    answer: ({ ids }, index) => (index < 2 ? answers[Number(ids[0]!.at(10))]!.promise : 204),
  });
  for (let record = 0; record < 10; record += 1) kafka.produce({ partition: record % 2 });
  await until(() => fn.calls.length === 2);
  let isGone = false;
  void member.assign([0]).then(() => (isGone = true));
  answers[0]!.resolve(204);
  await until(() => kafka.isDone([0]));
  t.notOk(isGone, 'a request of the other is in flight');
  answers[1]!.resolve(204);
  await until(() => isGone);
  t.equal(kafka.committed.get(1), 1n);
  t.equal(fn.calls.filter(({ ids }) => ids[0]!.startsWith('partition:1')).length, 1, 'nothing new was begun');
});

t.test('out of order: what is settled beyond the committed offset is not sent again', async (t) => {
  const kafka = new MemoryKafka();
  const one = await runPipeline(t, {
    kafka,
    delivery: { ordering: 'none', retry: -1, backoffDelayMs: 60_000, backoffMaxMs: 60_000 },
    answer: ({ ids }) => (/offset:(3|7)$/.test(ids[0]!) ? 500 : 204),
  });
  for (let record = 0; record < 40; record += 1) kafka.produce();
  await until(() => kafka.settled(0).size === 38 && one.fn.calls.length === 40);
  await one.stop();
  t.equal(kafka.committed.get(0), 3n);
  const two = await runPipeline(t, { kafka });
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(two.fn), [[3], [7]]);
});

t.test('attempts go on being counted where the partition goes next', async (t) => {
  const kafka = new MemoryKafka();
  const delivery = { retry: 3, backoffDelayMs: 1, backoffMaxMs: 1, deadLetter };
  const one = await runPipeline(t, {
    kafka,
    delivery: { ...delivery, backoffDelayMs: 60_000, backoffMaxMs: 60_000 },
    answer: 500,
  });
  kafka.produce();
  await until(() => one.fn.calls.length === 1);
  await one.stop();
  const two = await runPipeline(t, { kafka, delivery, answer: 500 });
  await until(() => kafka.isDone());
  t.equal(two.fn.calls.length, 3);
  const [letter] = kafka.written;
  t.equal(letter!.headers.find(({ name }) => name === 'millrace-attempts')?.value?.toString(), '4');
});

t.test('attempts that are used up are not made once more, when the dead letter was not stored', async (t) => {
  const kafka = new MemoryKafka();
  const delivery = { retry: 0, deadLetter };
  kafka.failsWrite = () => true;
  const one = await runPipeline(t, { kafka, delivery, answer: 500, drainLimitMs: 50 });
  kafka.produce();
  await until(() => one.seen('storeFailed').length > 0);
  await one.stop();
  kafka.failsWrite = undefined;
  const two = await runPipeline(t, { kafka, delivery, answer: 500 });
  await until(() => kafka.isDone());
  t.equal(two.fn.calls.length, 0);
  t.equal(kafka.written.length, 1);
});

t.test('after the lease nothing is started: another gateway may have what is here', async (t) => {
  const { kafka, member, fn, pipeline } = await runPipeline(t);
  member.leaseEndMs = 0;
  kafka.produce();
  await until(() => pipeline.snapshot().queued === 1);
  t.equal(fn.calls.length, 0);
  t.match(pipeline.snapshot(), { ready: false, reason: /has not confirmed/ }, 'and it says so');
  member.leaseEndMs = Infinity;
  t.match(pipeline.snapshot(), { ready: true, reason: '' });
  pipeline.resume();
  await until(() => kafka.isDone());
});

t.test('a partition that is gone while its record is in flight: nothing of it is settled', async (t) => {
  const answer = Promise.withResolvers<number>();
  const { kafka, member, fn, pipeline, seen } = await runPipeline(t, {
    drainLimitMs: 30,
    answer: () => answer.promise,
  });
  kafka.produce();
  kafka.produce();
  await until(() => fn.calls.length === 1);
  await member.assign([]);
  t.match(pipeline.snapshot(), { partitions: 0, queued: 0, inFlight: 1 });
  answer.resolve(204);
  await until(() => pipeline.snapshot().inFlight === 0);
  await member.assign([0]);
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(fn), [[0], [0], [1]], 'the next owner sends it again');
  t.equal(seen('settled').length, 2);
});

t.test('a stop finishes what was begun, commits it, and leaves the rest', async (t) => {
  const answer = Promise.withResolvers<number>();
  const { kafka, fn, stop, seen } = await runPipeline(t, { answer: () => answer.promise });
  for (let record = 0; record < 5; record += 1) kafka.produce();
  await until(() => fn.calls.length === 1);
  const stopped = stop();
  answer.resolve(204);
  await stopped;
  t.strictSame(offsetsOf(fn), [[0]]);
  t.equal(kafka.committed.get(0), 1n);
  t.equal(seen('closed').length, 1);
  await until(async () => (await fn.connections()) === 0);
});

t.test('a stop gives up after its limit, and then settles nothing', async (t) => {
  const { kafka, fn, stop, seen } = await runPipeline(t, { drainLimitMs: 30, answer: 'hang' });
  kafka.produce();
  await until(() => fn.calls.length === 1);
  await stop();
  t.equal(seen('settled').length, 0);
  t.equal(kafka.commits.length, 0);
});

t.test('a stop during a rebalance: neither waits longer than for what is in flight', async (t) => {
  const answer = Promise.withResolvers<number>();
  const { kafka, fn, pipeline, stop } = await runPipeline(t, {
    drainLimitMs: 60_000,
    answer: () => answer.promise,
  });
  kafka.produce();
  await until(() => fn.calls.length === 1);
  let ended = 0;
  const released = pipeline.release([{ topic: kafka.topic, partition: 0 }]);
  for (const waiting of [released, stop()]) void waiting.then(() => (ended += 1));
  answer.resolve(204);
  await until(() => ended === 2, 10_000);
});

t.test('a stop does not wait for retries', async (t) => {
  const { kafka, fn, stop, ready } = await runPipeline(t, {
    drainLimitMs: 60_000,
    answer: 500,
    delivery: { retry: -1, backoffMaxMs: 5 },
  });
  kafka.produce();
  await until(() => fn.calls.length > 2);
  ready([]);
  await stop();
  t.notOk(kafka.committed.has(0) && kafka.committed.get(0) !== 0n);
});

t.test('what comes again is passed over', async (t) => {
  const { kafka, pipeline, fn } = await runPipeline(t);
  kafka.produce();
  kafka.produce();
  await until(() => kafka.isDone());
  pipeline.records(
    { topic: kafka.topic, partition: 0 },
    kafka.log(0).map((record) => ({ ...record })),
    2n,
  );
  pipeline.records({ topic: kafka.topic, partition: 9 }, [], 2n);
  kafka.produce();
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(fn), [[0], [1], [2]]);
});

t.test('a filter that cannot be evaluated filters the record, and is reported', async (t) => {
  const { kafka, seen, fn } = await runPipeline(t, {
    trigger: { filters: [{ kind: 'cel', expression: "subject == 'wanted' && data.size > 1" }] },
  });
  kafka.produce({ key: 'wanted', value: '{"size":2}' });
  kafka.produce({ key: 'wanted', value: '{}' });
  kafka.produce({ key: 'other', value: '{}' });
  await until(() => kafka.isDone());
  t.equal(fn.calls.length, 1);
  t.match(
    seen('filterFailed').map(([, fault]) => fault),
    [{ path: 'filters[0]', dialect: 'cel', code: 'evaluation' }],
  );
});

t.test(
  'after a fault nothing new is taken in, which could cover what was left out; the rest ends in order',
  async (t) => {
    const { kafka, fn, faults, stop } = await runPipeline(t);
    const { take } = RecordIntake.prototype;
    t.capture(RecordIntake.prototype, 'take', function (this: RecordIntake, ...args: unknown[]) {
      const given = args as Parameters<typeof take>;
      if (given[1].offset === 14n) throw new Error('a bug');
      return take.apply(this, given);
    });
    for (let record = 0; record < 40; record += 1) kafka.produce();
    await until(() => faults.length === 1);
    await until(() => kafka.committed.get(0) === 14n);
    await stop();
    t.match(faults, [{ message: 'a bug' }]);
    faults.length = 0;
    t.equal(kafka.committed.get(0), 14n, 'what is committed does not cover it');
    t.strictSame(
      offsetsOf(fn)
        .flat()
        .filter((offset) => offset >= 14),
      [],
    );
  },
);
