import fc from 'fast-check';
import t from 'tap';
import type { Ordering } from '../../../core/contract/subscription.ts';
import type { FunctionServer } from '../../fixtures/function-server.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { offsetsOf, runPipeline } from './run-pipeline.ts';

t.setTimeout(100_000);

const deadLetter = { topic: 'quakes.dead' };
const id = (offset: number) => `partition:0/offset:${offset}`;

t.test('what an answer means', async (t) => {
  const answersByMeaning: Record<string, string[]> = {
    delivered: ['200', '201', '204', '299'],
    retried: ['408', '409', '425', '429', '404', '500', '502', '503', '504', '599', 'reset'],
    rejected: ['300', '301', '304', '400', '401', '403', '410', '413', '422'],
  };
  for (const [meaning, answers] of Object.entries(answersByMeaning)) {
    for (const text of answers) {
      const answer = text === 'reset' ? 'reset' : Number(text);
      const { kafka, fn, seen } = await runPipeline(t, {
        delivery: { retry: 1, deadLetter },
        answer: (_call, index) => (index === 0 ? answer : 204),
      });
      kafka.produce();
      await until(() => kafka.isDone());
      const settled = seen('settled').map(([, , kind, attempts]) => `${kind} ${attempts}`);
      const expected = { delivered: 'delivered 1', retried: 'delivered 2', rejected: 'dead-lettered 1' }[
        meaning
      ];
      t.strictSame([text, ...settled, fn.calls.length], [text, expected, meaning === 'retried' ? 2 : 1]);
    }
  }
});

t.test('no answer in time is tried again', async (t) => {
  const { kafka, seen } = await runPipeline(t, {
    delivery: { timeoutMs: 50 },
    answer: (_call, index) => (index < 2 ? 'hang' : 204),
  });
  kafka.produce();
  await until(() => kafka.isDone());
  t.strictSame(
    seen('retrying').map(([, , attempts, , reason]) => [attempts, reason]),
    [1, 2].map((attempts) => [attempts, 'no whole answer within 50 ms']),
  );
});

t.test('Retry-After is a minimum, up to the limit', async (t) => {
  const { kafka, seen } = await runPipeline(t, {
    delivery: { retryAfterMaxMs: 120 },
    answer: (_call, index) => (index === 0 ? { status: 503, headers: { 'retry-after': '3600' } } : 204),
  });
  kafka.produce();
  await until(() => kafka.isDone());
  t.equal(seen('retrying')[0]?.[3], 120);
});

t.test('of a batch, those that failed are retried alone, and the others are settled', async (t) => {
  const failed = JSON.stringify({
    batchItemFailures: [1, 3].map((offset) => ({ itemIdentifier: id(offset) })),
  });
  const { kafka, fn, seen } = await runPipeline(t, {
    function: { contentMode: 'batched', batch: { maxEvents: 5, maxBytes: 2 ** 20, maxWaitMs: 20 } },
    delivery: { ordering: 'none' },
    answer: (_call, index) => (index === 0 ? { status: 200, body: failed } : 204),
  });
  for (let offset = 0; offset < 5; offset += 1) kafka.produce();
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(fn)[0], [0, 1, 2, 3, 4]);
  t.strictSame(offsetsOf(fn).slice(1).flat().sort(), [1, 3]);
  t.strictSame(
    Object.fromEntries(seen('settled').map(([, { offset }, , attempts]) => [`${offset}`, attempts])),
    { 0: 1, 1: 2, 2: 1, 3: 2, 4: 1 },
  );
});

t.test('of a batch from one lane too', async (t) => {
  const failed = JSON.stringify({ batchItemFailures: [{ itemIdentifier: id(1) }] });
  const { kafka, fn } = await runPipeline(t, {
    function: { contentMode: 'batched', batch: { maxEvents: 3, maxBytes: 2 ** 20, maxWaitMs: 20 } },
    answer: (_call, index) => (index === 0 ? { status: 200, body: failed } : 204),
  });
  for (let offset = 0; offset < 4; offset += 1) kafka.produce();
  await until(() => kafka.isDone());
  t.strictSame(
    offsetsOf(fn),
    [
      [0, 1, 2],
      [1, 3],
    ],
    'what failed stays before what follows',
  );
});

t.test('a failure list that does not fit fails the batch', async (t) => {
  const { kafka, fn, seen } = await runPipeline(t, {
    function: { contentMode: 'batched', batch: { maxEvents: 2, maxBytes: 2 ** 20, maxWaitMs: 20 } },
    answer: (_call, index) =>
      index === 0 ? { status: 200, body: '{"batchItemFailures":[{"itemIdentifier":"?"}]}' } : 200,
  });
  kafka.produce();
  kafka.produce();
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(fn), [
    [0, 1],
    [0, 1],
  ]);
  t.equal(seen('settled').length, 2);
});

t.test('retries are counted, then the record is dead-lettered', async (t) => {
  const { kafka, fn, seen } = await runPipeline(t, {
    delivery: { retry: 2, deadLetter },
    answer: (call) => (call.ids[0] === id(0) ? 500 : 204),
  });
  kafka.produce({ value: 'bad' });
  kafka.produce({ value: 'good' });
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(fn), [[0], [0], [0], [1]]);
  t.match(seen('deadLettered'), [
    [{}, { offset: 0n }, { reason: 'exhausted', status: 500, attempts: 3 }, { topic: 'quakes.dead' }],
  ]);
  t.match(kafka.written, [{ topic: 'quakes.dead', value: Buffer.from('bad') }]);
});

t.test('no retry at all, and retries for ever', async (t) => {
  const once = await runPipeline(t, { delivery: { retry: 0, deadLetter }, answer: 500 });
  once.kafka.produce();
  await until(() => once.kafka.isDone());
  t.equal(once.fn.calls.length, 1);
  const forever = await runPipeline(t, { delivery: { retry: -1, deadLetter, backoffMaxMs: 5 }, answer: 500 });
  forever.kafka.produce();
  await until(() => forever.fn.calls.length > 30);
  t.equal(forever.kafka.written.length, 0);
  forever.fn.answer(204);
  await until(() => forever.kafka.isDone());
});

t.test(
  'no endpoint is ready: records are held, without an attempt, and the scalers are called repeatedly',
  async (t) => {
    const { kafka, fn, pipeline, seen, wakes, ready } = await runPipeline(t, {
      endpoints: [],
      delivery: { retry: 0 },
    });
    kafka.produce();
    kafka.produce();
    await until(() => wakes.length >= 2);
    t.match(pipeline.snapshot(), { held: 2, queued: 2, inFlight: 0, readyEndpoints: 0 });
    ready([{ origin: fn.origin }]);
    await until(() => kafka.isDone());
    t.strictSame(
      seen('settled').map(([, , kind, attempts]) => [kind, attempts]),
      [
        ['delivered', 1],
        ['delivered', 1],
      ],
    );
    t.equal(seen('held').length, 1);
    t.equal(seen('released').length, 1);
    t.match(pipeline.snapshot(), { held: 0, readyEndpoints: 1 });
    t.strictSame(new Set(wakes), new Set(['geo/quake-alerts']));
  },
);

t.test('the endpoint refuses: held, without an attempt, and on by itself', async (t) => {
  const { kafka, fn, seen, pipeline } = await runPipeline(t, {
    delivery: { retry: 0, deadLetter },
    function: { concurrency: 2 },
  });
  await fn.stop();
  for (let offset = 0; offset < 3; offset += 1) kafka.produce();
  await until(() => pipeline.snapshot().held === 3);
  t.ok(seen('attempted').every(([, outcome]) => outcome === 'unreachable'));
  await fn.start();
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(fn), [[0], [1], [2]]);
  t.ok(seen('settled').every(([, , kind, attempts]) => kind === 'delivered' && attempts === 1));
});

t.test(
  'records that are held in a batch go out the moment an endpoint is ready, not a wait later',
  async (t) => {
    const { kafka, fn, seen, wakes, ready } = await runPipeline(t, {
      endpoints: [],
      function: { contentMode: 'batched', batch: { maxEvents: 10, maxBytes: 2 ** 20, maxWaitMs: 300 } },
    });
    kafka.produce();
    await until(() => seen('held').length === 1 && wakes.length > 0);
    ready([{ origin: fn.origin }]);
    t.equal(seen('released').length, 1, 'in the same step');
    await until(() => kafka.isDone());
  },
);

t.test('too old is dead-lettered unattempted; what was attempted in time is not too old', async (t) => {
  const { kafka, fn, seen } = await runPipeline(t, {
    delivery: { maxAgeMs: 60_000, deadLetter },
    answer: (_call, index) => (index === 0 ? 500 : 204),
  });
  kafka.produce({ timestampMs: Date.now() - 61_000 });
  kafka.produce({ timestampMs: Date.now() - 59_990 });
  await until(() => kafka.isDone());
  t.strictSame(new Set(offsetsOf(fn).flat()), new Set([1]));
  t.match(seen('deadLettered'), [
    [{}, { offset: 0n }, { reason: 'expired', attempts: 0, detail: /^61 s old, the limit is 60 s$/ }],
  ]);
});

t.test('what is filtered wakes nobody', async (t) => {
  const { kafka, wakes, seen, pipeline } = await runPipeline(t, {
    endpoints: [],
    trigger: { filters: [{ kind: 'exact', attributes: { type: 'another' } }] },
  });
  kafka.produce();
  kafka.skip(0, 1);
  kafka.produce();
  await until(() => kafka.isDone());
  t.equal(kafka.committed.get(0), 3n);
  t.strictSame(
    seen('settled').map(([, , kind]) => kind),
    ['filtered', 'filtered'],
  );
  t.strictSame(wakes, []);
  t.match(pipeline.snapshot(), { filtered: 2, delivered: 0, queued: 0 });
});

t.test('no more requests at a time than the concurrency', async (t) => {
  const { kafka, fn } = await runPipeline(t, {
    function: { concurrency: 3 },
    delivery: { ordering: 'none' },
    answer: () => new Promise((resolve) => setTimeout(resolve, 5, 204)),
  });
  for (let record = 0; record < 60; record += 1) kafka.produce();
  await until(() => kafka.isDone());
  t.equal(Math.max(...fn.calls.map(({ open }) => open)), 3);
});

/** Lane → the calls of its records, in the order they came. */
function callsByLane(
  fn: FunctionServer,
  ordering: Ordering,
): Map<string, { offset: number; at: number; endedAt: number }[]> {
  const lanes = new Map<string, { offset: number; at: number; endedAt: number }[]>();
  fn.calls.forEach(({ ids, headers, endedAt = Infinity }, at) => {
    const [partition = '', offset = ''] = ids[0]!.match(/\d+/g)!;
    const key = headers['ce-partitionkey'];
    const lane =
      ordering === 'partition'
        ? partition
        : ordering === 'key' && key !== undefined
          ? `${partition}/${key as string}`
          : ids[0]!;
    lanes.set(lane, [...(lanes.get(lane) ?? []), { offset: Number(offset), at, endedAt }]);
  });
  return lanes;
}

t.test('order in a lane never goes back, whatever fails', async (t) => {
  const anyLife = fc.record({
    ordering: fc.constantFrom<Ordering>('partition', 'key', 'none'),
    keys: fc.array(fc.constantFrom(null, 'a', 'b', 'c'), { minLength: 10, maxLength: 40 }),
    answers: fc.array(fc.constantFrom(204, 204, 500, 429, 'reset' as const), {
      minLength: 40,
      maxLength: 40,
    }),
    seed: fc.nat(4),
  });
  await fc.assert(
    fc.asyncProperty(anyLife, async ({ ordering, keys, answers, seed }) => {
      const { kafka, fn, stop } = await runPipeline(t, {
        partitions: [0, 1],
        delivery: { ordering, retry: -1, backoffDelayMs: 1, backoffMaxMs: 3 },
        function: { concurrency: 4 },
        answer: (_call, index) =>
          new Promise((resolve) => setTimeout(resolve, (index * seed) % 3, answers[index] ?? 204)),
      });
      keys.forEach((key, index) => kafka.produce({ partition: index % 2, key }));
      await until(() => kafka.isDone([0, 1]));
      await stop();
      for (const [lane, calls] of callsByLane(fn, ordering)) {
        calls.reduce((before, call) => {
          if (call.offset < before.offset) throw new Error(`lane ${lane} went back to ${call.offset}`);
          if (before.endedAt > call.at) throw new Error(`lane ${lane} had two requests at a time`);
          return call;
        });
      }
    }),
    { numRuns: 25 },
  );
});

t.test('a key that fails parks alone', async (t) => {
  const { kafka, fn } = await runPipeline(t, {
    delivery: { ordering: 'key', retry: -1, backoffMaxMs: 10 },
    answer: ({ headers }) => (headers['ce-partitionkey'] === 'bad' ? 500 : 204),
  });
  for (let record = 0; record < 20; record += 1) kafka.produce({ key: record % 2 === 0 ? 'bad' : 'good' });
  await until(() => kafka.settled(0).size === 10);
  t.equal(kafka.committed.get(0) ?? 0n, 0n, 'nothing of it is committed yet');
  t.strictSame(
    new Set(
      offsetsOf(fn)
        .flat()
        .filter((offset) => offset % 2 === 0),
    ),
    new Set([0]),
  );
  fn.answer(204);
  await until(() => kafka.isDone());
});
