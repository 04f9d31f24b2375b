// A batch that fails as a whole is halved until the event that makes it fail is alone.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { Ordering } from '../../../core/contract/subscription.ts';
import { MemoryKafka } from '../../fixtures/kafka/memory-kafka.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { offsetsOf, runPipeline } from './run-pipeline.ts';

t.setTimeout(120_000);

const deadLetter = { topic: 'quakes.dead' };
const batched = (maxEvents: number) => ({
  contentMode: 'batched' as const,
  batch: { maxEvents, maxBytes: 2 ** 20, maxWaitMs: 5 },
});
const offsetOf = (id: string): number => Number(id.split(':').at(-1));
const headerOf = (headers: readonly { name: string; value: Buffer | null }[], wanted: string) =>
  headers.find(({ name }) => name === wanted)?.value?.toString();

t.test('the one that fails is found alone, and charged alone', async (t) => {
  const { kafka, fn, seen } = await runPipeline(t, {
    function: batched(8),
    delivery: { retry: 1, deadLetter },
    answer: ({ ids }) => (ids.some((id) => offsetOf(id) === 2) ? 500 : 204),
  });
  for (let offset = 0; offset < 8; offset += 1) kafka.produce();
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(fn), [
    [0, 1, 2, 3, 4, 5, 6, 7],
    [0, 1, 2, 3],
    [0, 1],
    [2, 3],
    [2],
    [2],
    [3],
    [4, 5, 6, 7],
  ]);
  t.strictSame(
    seen('bisected').map(([, events, reason]) => [events, reason]),
    [8, 4, 2].map((events) => [events, 'the function answered 500']),
  );
  t.strictSame(
    seen('settled').map(([, { offset }, kind, attempts]) => [Number(offset), kind, attempts]),
    [0, 1, 2, 3, 4, 5, 6, 7].map((offset) =>
      offset === 2 ? [2, 'dead-lettered', 2] : [offset, 'delivered', 1],
    ),
  );
  t.equal(seen('retrying').length, 1);
});

t.test('what says nothing of an event is not halved', async (t) => {
  for (const status of [429, 503]) {
    const { kafka, fn, seen } = await runPipeline(t, {
      function: batched(4),
      answer: (_call, index) => (index === 0 ? status : 204),
    });
    for (let offset = 0; offset < 4; offset += 1) kafka.produce();
    await until(() => kafka.isDone());
    t.strictSame(offsetsOf(fn), [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ]);
    t.ok(
      seen('settled').every(([, , , attempts]) => attempts === 2),
      'and is charged',
    );
    t.equal(seen('bisected').length, 0);
  }
});

t.test('a function that fails everything: each event ends up alone, and is charged', async (t) => {
  const { kafka, fn, seen } = await runPipeline(t, {
    function: batched(16),
    delivery: { retry: 1, ordering: 'none', deadLetter },
    answer: 500,
  });
  for (let offset = 0; offset < 16; offset += 1) kafka.produce();
  await until(() => kafka.isDone());
  t.ok(seen('settled').every(([, , kind, attempts]) => kind === 'dead-lettered' && attempts === 2));
  t.equal(seen('settled').length, 16);
  t.equal(fn.calls.filter(({ ids }) => ids.length === 1).length, 32);
  t.equal(fn.calls.filter(({ ids }) => ids.length > 1).length, 15);
});

t.test('one that brings the function down is found too', async (t) => {
  const { kafka, fn, seen } = await runPipeline(t, {
    function: batched(4),
    delivery: { retry: 0, deadLetter },
    answer: ({ ids }) => (ids.some((id) => offsetOf(id) === 3) ? 'reset' : 204),
  });
  for (let offset = 0; offset < 4; offset += 1) kafka.produce();
  await until(() => kafka.isDone());
  // Over a connection that was used before, each is sent once more, because the function may have closed it as idle.
  t.strictSame(offsetsOf(fn), [[0, 1, 2, 3], [0, 1], [2, 3], [2, 3], [2], [3], [3]]);
  t.match(seen('deadLettered'), [[{}, { offset: 3n }, { attempts: 1 }]]);
});

t.test('what came later goes in whole batches again', async (t) => {
  const { kafka, fn } = await runPipeline(t, {
    function: batched(4),
    delivery: { deadLetter },
    answer: ({ ids }) => (ids.some((id) => offsetOf(id) === 0) ? 400 : 204),
  });
  for (let offset = 0; offset < 12; offset += 1) kafka.produce();
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(fn), [[0, 1, 2, 3], [0, 1], [0], [1], [2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]);
});

t.test('a partition that leaves while halves wait takes nothing of the others with it', async (t) => {
  const { kafka, member, fn, seen } = await runPipeline(t, {
    partitions: [0, 1],
    function: batched(4),
    delivery: { ordering: 'none', backoffDelayMs: 200, backoffMaxMs: 200 },
    answer: (_call, index) => (index === 0 ? 500 : 204),
  });
  for (let record = 0; record < 4; record += 1) kafka.produce({ partition: record % 2 });
  await until(() => seen('bisected').length === 1);
  await member.assign([0]);
  await until(() => kafka.isDone([0]));
  t.strictSame(offsetsOf(fn)[1], [0, 1]);
});

t.test('what was sent in a batch is not too old to be sent alone', async (t) => {
  const maxAgeMs = 6_000;
  const timestampMs = Date.now() - maxAgeMs / 2;
  const { kafka, seen } = await runPipeline(t, {
    function: batched(2),
    delivery: { maxAgeMs, deadLetter, backoffDelayMs: 30 },
    answer: async (_call, index) => {
      if (index > 0) return 204;
      await until(() => Date.now() > timestampMs + maxAgeMs);
      return 500;
    },
  });
  kafka.produce({ timestampMs });
  kafka.produce({ timestampMs });
  await until(() => kafka.isDone());
  t.ok(seen('settled').every(([, , kind]) => kind === 'delivered'));
});

t.test(
  'whatever is poison: the rest is delivered, each poison is charged alone, order is kept',
  async (t) => {
    const anyLife = fc.record({
      ordering: fc.constantFrom<Ordering>('partition', 'key', 'none'),
      maxEvents: fc.integer({ min: 1, max: 20 }),
      keys: fc.array(fc.constantFrom(null, 'a', 'b', 'c'), { minLength: 1, maxLength: 60 }),
      poison: fc.uniqueArray(fc.nat(59), { maxLength: 6 }),
      answer: fc.constantFrom(500, 400),
      retry: fc.nat(2),
      concurrency: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(anyLife, async ({ ordering, maxEvents, keys, poison, answer, retry, concurrency }) => {
        const kafka = new MemoryKafka();
        const outOfOrder: number[] = [];
        const { fn, seen, stop } = await runPipeline(t, {
          function: { ...batched(maxEvents), concurrency },
          delivery: { ordering, retry, deadLetter, backoffDelayMs: 1, backoffMaxMs: 1 },
          answer: ({ ids }) => {
            outOfOrder.push(...early(ids, keys, ordering, kafka.settled(0)));
            return ids.some((id) => poison.includes(offsetOf(id))) ? answer : 204;
          },
          kafka,
        });
        kafka.fetchSize = 100;
        for (const key of keys) kafka.produce({ key });
        await until(() => kafka.isDone());
        await stop();
        const bad = poison.filter((offset) => offset < keys.length);
        const charged = answer === 400 ? 1 : retry + 1;
        for (const [, { offset }, kind, attempts] of seen('settled')) {
          const isBad = bad.includes(Number(offset));
          assert.deepEqual([kind, attempts], isBad ? ['dead-lettered', charged] : ['delivered', 1]);
        }
        assert.equal(seen('settled').length, keys.length);
        for (const { headers } of kafka.written)
          assert.equal(headerOf(headers, 'millrace-attempts'), `${charged}`);
        for (const offset of bad) {
          const alone = fn.calls.filter(({ ids }) => ids.length === 1 && offsetOf(ids[0]!) === offset);
          assert.equal(alone.length, charged);
        }
        assert.deepEqual(outOfOrder, []);
        const rounds = Math.ceil(Math.log2(Math.max(2, maxEvents)));
        const spoilt = fn.calls.filter(({ ids }) => ids.some((id) => bad.includes(offsetOf(id)))).length;
        const healthy = fn.calls.length - spoilt;
        assert.ok(spoilt <= bad.length * (rounds + charged), `${spoilt} failed requests`);
        const lanes = new Set(keys).size;
        const whole =
          ordering === 'none' ? keys.length : Math.ceil(keys.length / maxEvents) * (lanes + 1) + keys.length;
        assert.ok(healthy <= whole + bad.length * rounds * 3, `${healthy} requests for the others`);
      }),
      { numRuns: 60 },
    );
  },
);

/** The ids that were sent too early: in a lane, all events before one must be settled, or in the same batch. */
function early(
  ids: readonly string[],
  keys: readonly (string | null)[],
  ordering: Ordering,
  settled: ReadonlySet<bigint>,
): number[] {
  const sent = ids.map(offsetOf);
  return sent.filter((offset, index) =>
    keys.some((key, before) => {
      if (before >= offset || ordering === 'none') return false;
      if (ordering === 'key' && (key === null || key !== keys[offset])) return false;
      const at = sent.indexOf(before);
      return !settled.has(BigInt(before)) && (at === -1 || at > index);
    }),
  );
}
