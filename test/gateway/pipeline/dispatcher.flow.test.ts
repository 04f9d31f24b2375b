// How fast events go to which endpoint: circuits, learned concurrency, rate limits.
import t from 'tap';
import { startFunction } from '../../fixtures/function-server.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { offsetsOf, runPipeline } from './run-pipeline.ts';

t.setTimeout(100_000);

const deadLetter = { topic: 'quakes.dead' };
const adaptive = { min: 1, max: 20 };
const later = (ms: number, answer: number) => () =>
  new Promise<number>((resolve) => setTimeout(resolve, ms, answer));

for (const broken of [503, 502, 'reset'] as const) {
  t.test(`one of two pods answers ${broken}: no requests until it is healthy`, async (t) => {
    const sound = await startFunction(t);
    const { kafka, fn, pipeline, seen, ready } = await runPipeline(t, {
      delivery: { ordering: 'key', retry: 10, deadLetter },
      endpoints: [],
      answer: broken,
    });
    ready([{ origin: fn.origin }, { origin: sound.origin }]);
    for (let record = 0; record < 400; record += 1) kafka.produce({ key: `${record % 40}` });
    await until(() => kafka.isDone());
    t.strictSame(
      seen('circuitOpened').map(([, origin]) => origin),
      [fn.origin],
    );
    t.ok(
      seen('settled').every(([, , kind]) => kind === 'delivered'),
      'no record runs out of attempts',
    );
    const charged = seen('settled').filter(([, , , attempts]) => attempts > 1).length;
    t.ok(charged <= fn.calls.length && fn.calls.length < 40, `${fn.calls.length} attempts were in vain`);

    fn.answer(204);
    await until(() => {
      kafka.produce();
      return seen('circuitClosed').length === 1;
    });
    const before = fn.calls.length;
    for (let record = 0; record < 40; record += 1) kafka.produce({ key: `${record}` });
    await until(() => kafka.isDone());
    t.ok(fn.calls.length > before + 5, 'both share the work again');
    t.equal(pipeline.snapshot().openCircuits, 0);
  });
}

t.test('all fail: records wait, and only what tries an endpoint is charged', async (t) => {
  const { kafka, fn, pipeline, seen } = await runPipeline(t, {
    delivery: { ordering: 'none', retry: 30, backoffDelayMs: 1, backoffMaxMs: 2, deadLetter },
    function: { concurrency: 4 },
    records: 10_000,
    answer: 503,
  });
  for (let record = 0; record < 200; record += 1) kafka.produce();
  await until(() => pipeline.snapshot().openCircuits === 1);
  await until(() => fn.calls.length >= 25, 30_000);
  t.ok(fn.calls.length < 40, `${fn.calls.length} attempts for 200 records`);
  t.match(pipeline.snapshot(), { queued: 200, held: 0, readyEndpoints: 1, openCircuits: 1 });
  t.equal(seen('held').length, 0, 'the function is there: nobody needs to be woken');
  fn.answer(204);
  await until(() => kafka.isDone());
  t.ok(seen('settled').every(([, , kind]) => kind === 'delivered'));
  t.equal(kafka.written.length, 0);
});

t.test('a record that always fails comes to its end, though its circuit opens', async (t) => {
  const { kafka, seen } = await runPipeline(t, {
    delivery: { retry: 21, backoffDelayMs: 1, backoffMaxMs: 2, deadLetter },
    answer: 503,
  });
  kafka.produce();
  await until(() => kafka.isDone(), 30_000);
  t.equal(seen('circuitOpened').length, 1);
  t.match(seen('deadLettered'), [[{}, { offset: 0n }, { reason: 'exhausted', attempts: 22 }]]);
});

for (const poison of [500, 503, 'reset', 'hang'] as const) {
  t.test(`a key that answers ${poison} does not stop the others`, async (t) => {
    const { kafka, fn } = await runPipeline(t, {
      delivery: { ordering: 'key', retry: -1, backoffDelayMs: 1, backoffMaxMs: 5, timeoutMs: 500 },
      answer: ({ headers }) => (headers['ce-partitionkey'] === 'bad' ? poison : 204),
    });
    kafka.produce({ key: 'bad' });
    for (let record = 0; record < 200; record += 1) {
      kafka.produce({ key: `${record}` });
      if (record % 10 === 0) await until(() => kafka.settled(0).size >= record - 10);
    }
    await until(() => kafka.settled(0).size === 200);
    fn.answer(204);
    await until(() => kafka.isDone());
  });
}

t.test('500 opens no circuit, however often', async (t) => {
  const { kafka, fn, seen } = await runPipeline(t, {
    delivery: { retry: -1, backoffDelayMs: 1, backoffMaxMs: 1 },
    answer: 500,
  });
  kafka.produce();
  await until(() => fn.calls.length > 60);
  t.equal(seen('circuitOpened').length, 0);
  fn.answer(204);
  await until(() => kafka.isDone());
});

t.test('concurrency is learned', async (t) => {
  const { kafka, fn, pipeline } = await runPipeline(t, {
    delivery: { ordering: 'none' },
    function: { concurrency: adaptive },
    records: 10_000,
    answer: later(5, 204),
  });
  t.match(pipeline.snapshot(), { concurrencyLimit: 1, lowestConcurrencyLimit: 1 });
  kafka.fetchSize = 1_000;
  for (let record = 0; record < 2_000; record += 1) kafka.produce();
  await until(() => pipeline.snapshot().concurrencyLimit > 4);
  await until(() => kafka.isDone(), 40_000);
  t.ok(Math.max(...fn.calls.map(({ open }) => open)) <= adaptive.max);
});

t.test('a function that sheds load gets less, and no record runs out of attempts', async (t) => {
  const most = 4;
  const { kafka, fn, seen } = await runPipeline(t, {
    delivery: { ordering: 'none', retry: 10, deadLetter },
    function: { concurrency: adaptive },
    records: 10_000,
    answer: ({ open }) => (open > most ? 429 : later(5, 204)()),
  });
  kafka.fetchSize = 1_000;
  for (let record = 0; record < 1_500; record += 1) kafka.produce();
  await until(() => kafka.isDone(), 60_000);
  t.ok(seen('settled').every(([, , kind]) => kind === 'delivered'));
  const refused = fn.calls.length - 1_500;
  t.ok(refused < 300, `${refused} of ${fn.calls.length} were shed`);
});

t.test('no more events than the rate limit gives, retries included, and none that is filtered', async (t) => {
  const rateLimit = { eventsPerSecond: 100, burst: 10 };
  const times: number[] = [];
  const { kafka, pipeline, seen } = await runPipeline(t, {
    delivery: { ordering: 'none', rateLimit },
    trigger: { filters: [{ kind: 'not', filter: { kind: 'exact', attributes: { subject: 'dropped' } } }] },
    answer: (_call, index) => {
      times.push(performance.now());
      return index % 5 === 0 ? 500 : 204;
    },
  });
  for (let record = 0; record < 500; record += 1)
    kafka.produce({ key: record % 10 === 0 ? `${record}` : 'dropped' });
  await until(() => pipeline.snapshot().isRateLimited);
  t.equal(pipeline.snapshot().filtered > 50, true, 'filtered records wait for no token');
  await until(() => kafka.isDone());
  t.equal(seen('settled').filter(([, , kind]) => kind === 'delivered').length, 50);
  // A late clock in the test sees requests closer together than they were sent, so one more burst is allowed.
  const most = 2 * rateLimit.burst + ((times.at(-1)! - times[0]!) * rateLimit.eventsPerSecond) / 1000;
  t.ok(times.length <= most, `${times.length} requests, at most ${most}`);
  await until(() => !pipeline.snapshot().isRateLimited);
});

t.test('a batch is no larger than the tokens', async (t) => {
  const { kafka, fn } = await runPipeline(t, {
    function: { contentMode: 'batched', batch: { maxEvents: 100, maxBytes: 2 ** 20, maxWaitMs: 100 } },
    delivery: { ordering: 'none', rateLimit: { eventsPerSecond: 200, burst: 20 } },
  });
  for (let record = 0; record < 100; record += 1) kafka.produce();
  await until(() => kafka.isDone());
  const sizes = offsetsOf(fn).map((offsets) => offsets.length);
  t.ok(Math.max(...sizes) <= 20, sizes.join());
  t.ok(sizes.length <= 12, `${sizes.join()}: not one by one, either`);
});
