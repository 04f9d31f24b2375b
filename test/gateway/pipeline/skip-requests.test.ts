// A record is skipped on request, at any position in its lane.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { SkipRequest } from '../../../core/contract/skip.ts';
import type { Ordering } from '../../../core/contract/subscription.ts';
import type { Pipeline } from '../../../gateway/pipeline/pipeline.ts';
import { MemoryKafka } from '../../fixtures/kafka/memory-kafka.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { headersOf } from '../events/build.ts';
import { offsetsOf, quickSubscription, runPipeline } from './run-pipeline.ts';

t.setTimeout(60_000);

const deadLetter = { topic: 'quakes.dead' };
const never = { retry: -1, backoffDelayMs: 60_000, backoffMaxMs: 60_000 };
const requestOf = (offset: number, changes: Partial<SkipRequest> = {}): SkipRequest => ({
  topic: 'quakes',
  partition: 0,
  offset: BigInt(offset),
  reason: 'no use',
  by: 'curl at 127.0.0.1',
  deadLetter: true,
  waitMs: 5_000,
  ...changes,
});
const skip = (pipeline: Pipeline, offset: number, changes?: Partial<SkipRequest>) =>
  pipeline.skip(requestOf(offset, changes));
const is = (offset: number) => (call: { ids: readonly string[] }) => call.ids[0]!.endsWith(`:${offset}`);

t.test('what blocks its lane is skipped: the lane goes on, and the answer holds all of it', async (t) => {
  const { kafka, fn, pipeline, seen } = await runPipeline(t, {
    delivery: { retry: 0, backoffMaxMs: 60_000 },
    answer: (call) => (is(1)(call) ? 400 : 204),
  });
  const headers = headersOf(['h', 'x']);
  for (const value of ['a', 'b', 'c']) kafka.produce({ key: `k-${value}`, value, headers });
  await until(() => seen('blocked').length === 1);
  t.match(pipeline.blocked(10), [
    { topic: 'quakes', partition: 0, offset: 1n, keyBytes: 3, cause: { reason: 'rejected', attempts: 1 } },
  ]);
  t.match(pipeline.snapshot(), { blocked: 1, firstBlocked: { topic: 'quakes', partition: 0, offset: '1' } });

  const answer = await skip(pipeline, 1);
  t.match(answer, {
    kind: 'settled',
    settlement: 'skipped',
    trace: {
      record: { offset: 1n, key: Buffer.from('k-b'), value: Buffer.from('b'), headers },
      attempts: 1,
      cause: { reason: 'rejected', status: 400 },
    },
  });
  t.ok((kafka.committed.get(0) ?? 0n) >= 2n, 'Kafka knows before the answer is given');
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(fn), [[0], [1], [2]]);
  t.match(seen('skipped'), [[{}, { reason: 'no use', by: 'curl at 127.0.0.1' }, { record: { offset: 1n } }]]);
  t.equal(seen('unblocked').length, 1);
  t.match(pipeline.snapshot(), { blocked: 0, firstBlocked: undefined, skipped: 1, delivered: 2, queued: 0 });
  t.match(await skip(pipeline, 1), { kind: 'refused', refusal: 'settled' });
});

t.test('what cannot be offered to any function too: undecodable, expired', async (t) => {
  const { kafka, pipeline, seen } = await runPipeline(t, { delivery: { maxAgeMs: 60_000 } });
  kafka.produce({ headers: headersOf(['ce_id', '1']) });
  kafka.produce({ timestampMs: Date.now() - 61_000 });
  for (const [offset, reason] of ['undecodable', 'expired'].entries()) {
    await until(() => seen('blocked').length === offset + 1);
    t.match(await skip(pipeline, offset), {
      settlement: 'skipped',
      trace: { attempts: 0, cause: { reason } },
    });
  }
  await until(() => kafka.isDone());
});

t.test('what waits for a retry, and what stands behind it, in any order', async (t) => {
  for (const ordering of ['partition', 'key', 'none'] as const) {
    const { kafka, fn, pipeline, seen } = await runPipeline(t, {
      delivery: { ordering, ...never },
      answer: 500,
    });
    for (let offset = 0; offset < 3; offset += 1) kafka.produce({ key: 'k' });
    await until(() => seen('retrying').length === (ordering === 'none' ? 3 : 1));
    t.match(await skip(pipeline, 2), { settlement: 'skipped', trace: { record: { offset: 2n } } });
    t.match(await skip(pipeline, 0), { settlement: 'skipped', trace: { attempts: 1 } });
    await until(() => seen('retrying').length === (ordering === 'none' ? 3 : 2));
    t.equal(fn.calls.length, ordering === 'none' ? 3 : 2, 'the next takes its turn at once');
    t.match(await skip(pipeline, 1), { settlement: 'skipped' });
    t.equal(kafka.committed.get(0), 3n);
  }
});

t.test('what is in flight is skipped when its attempt has ended, unless that delivers it', async (t) => {
  for (const status of [500, 204]) {
    const gate = Promise.withResolvers<number>();
    const { kafka, fn, pipeline } = await runPipeline(t, {
      delivery: { ordering: 'none', ...never },
      answer: (call) => (is(0)(call) ? gate.promise : 204),
    });
    kafka.produce();
    await until(() => fn.calls.length === 1);
    t.match(await skip(pipeline, 0, { waitMs: 20 }), {
      kind: 'pending',
      why: /under way/,
      trace: { record: { offset: 0n } },
    });
    const second = skip(pipeline, 0);
    const third = skip(pipeline, 0);
    t.match(await second, { kind: 'refused', refusal: 'twice' }, 'the last word counts');
    gate.resolve(status);
    t.match(await third, { settlement: status === 204 ? 'delivered' : 'skipped', trace: { attempts: 1 } });
    await until(() => kafka.isDone());
    t.equal(fn.calls.length, 1);
  }
});

t.test('one that comes again and again without a pause is caught between two attempts', async (t) => {
  const { kafka, fn, pipeline } = await runPipeline(t, {
    delivery: { retry: -1, backoffDelayMs: 0, backoffMaxMs: 0 },
    answer: 500,
  });
  kafka.produce();
  await until(() => fn.calls.length > 3);
  t.match(await skip(pipeline, 0), { settlement: 'skipped' });
});

t.test('with a dead-letter topic it is stored there first', async (t) => {
  const { kafka, pipeline, seen } = await runPipeline(t, {
    delivery: { deadLetter, ...never },
    answer: (call) => (is(0)(call) ? 500 : 204),
  });
  kafka.produce({ value: 'poison' });
  kafka.produce();
  await until(() => seen('retrying').length === 1);
  t.match(await skip(pipeline, 0, { reason: '' }), {
    settlement: 'skipped',
    trace: { deadLetter: { topic: 'quakes.dead', partition: 0, offset: 0n } },
  });
  t.match(kafka.written, [{ topic: 'quakes.dead', value: Buffer.from('poison') }]);
  const header = (wanted: string) =>
    kafka.written[0]!.headers.find(({ name }) => name === wanted)?.value?.toString();
  t.equal(header('millrace-reason'), 'skipped');
  t.equal(header('millrace-detail'), 'no reason given (curl at 127.0.0.1)');
  t.equal(header('millrace-attempts'), '1');
  await until(() => kafka.isDone());
});

t.test('behind another it is stored in its turn', async (t) => {
  const { kafka, fn, pipeline, seen } = await runPipeline(t, {
    delivery: { deadLetter, ...never },
    answer: 500,
  });
  for (let offset = 0; offset < 3; offset += 1) kafka.produce();
  await until(() => seen('retrying').length === 1);
  const waiting = skip(pipeline, 1);
  t.match(await skip(pipeline, 1, { waitMs: 10 }), { kind: 'pending', why: /1 before it .* offset 0$/ });
  t.match(await waiting, { refusal: 'twice' });
  fn.answer(204);
  t.match(await skip(pipeline, 0), { settlement: 'skipped' });
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(fn), [[0], [2]]);
  t.strictSame(
    seen('settled').map(([, , kind]) => kind),
    ['skipped', 'skipped', 'delivered'],
  );
});

t.test('where the dead letter cannot be stored, it may be skipped without', async (t) => {
  const { kafka, pipeline, seen } = await runPipeline(t, { delivery: { deadLetter }, answer: 400 });
  kafka.failsWrite = () => true;
  kafka.produce();
  await until(() => seen('storeFailed').length === 1);
  t.match(await skip(pipeline, 0, { waitMs: 10 }), { kind: 'pending', why: /could not be stored/ });
  t.match(await skip(pipeline, 0, { deadLetter: false }), {
    settlement: 'skipped',
    trace: { deadLetter: undefined, cause: { reason: 'rejected' } },
  });
  await until(() => kafka.isDone());
});

t.test('delivered, its reply refused by Kafka: skipped too, and the answer has it', async (t) => {
  const { kafka, fn, pipeline, seen } = await runPipeline(t, {
    trigger: { reply: { topic: 'notices', transactional: false } },
    answer: {
      status: 200,
      headers: { 'ce-specversion': '1.0', 'ce-id': 'r', 'ce-source': '/fn', 'ce-type': 'notice' },
    },
  });
  kafka.failsWrite = () => true;
  kafka.produce();
  await until(() => seen('storeFailed').length === 1);
  t.match(await skip(pipeline, 0), { settlement: 'skipped', trace: { reply: { id: 'r' } } });
  await until(() => kafka.isDone());
  t.equal(fn.calls.length, 1);
  kafka.failsWrite = undefined;
});

t.test('what is not here, and why', async (t) => {
  const { kafka, member, pipeline, seen } = await runPipeline(t, { delivery: never, answer: 500 });
  kafka.produce();
  kafka.skip(0, 1);
  await until(() => seen('retrying').length === 1);
  t.match(await skip(pipeline, 2), { refusal: 'not-fetched', why: /up to offset 2$/ });
  t.match(await skip(pipeline, 1), { refusal: 'settled' });
  t.match(await skip(pipeline, 0, { partition: 7 }), {
    refusal: 'elsewhere',
    why: /partition 7 .* quakes-0$/,
  });
  t.match(await skip(pipeline, 0, { topic: 'other' }), { refusal: 'elsewhere' });
  await member.assign([]);
  t.match(await skip(pipeline, 0), { refusal: 'elsewhere', why: /it reads no partition$/ });
});

t.test('of several topics, one is to be named', async (t) => {
  const source = { ...quickSubscription().source, topics: ['quakes', 'tremors'] };
  const { kafka, pipeline, seen } = await runPipeline(t, {
    trigger: { source },
    delivery: never,
    answer: 500,
  });
  kafka.produce();
  await until(() => seen('retrying').length === 1);
  t.match(await skip(pipeline, 0, { topic: undefined }), { refusal: 'ambiguous' });
  t.match(await skip(pipeline, 0), { settlement: 'skipped' });
});

t.test('beyond what a progress mark can say, what holds it up is to be skipped first', async (t) => {
  const { kafka, member, pipeline, seen } = await runPipeline(t, {
    records: 10_000,
    delivery: { ordering: 'none', ...never },
    answer: (call) => (is(0)(call) ? 500 : 204),
    function: { concurrency: 1 },
  });
  member.markBytes = 64;
  kafka.fetchSize = 1_000;
  for (let offset = 0; offset < 600; offset += 1) kafka.produce();
  await until(() => seen('retrying').length === 1 && pipeline.snapshot().queued < 600);
  await until(() => member.paused.has(0));
  t.match(await skip(pipeline, 599), { refusal: 'ahead', why: /offset 0$/ });
  t.match(await skip(pipeline, 0), { settlement: 'skipped' });
  await until(() => kafka.isDone());
});

t.test('a request ends when its partition leaves this gateway', async (t) => {
  const { kafka, member, fn, pipeline } = await runPipeline(t, { drainLimitMs: 20, answer: 'hang' });
  kafka.produce();
  await until(() => fn.calls.length === 1);
  const skipped = skip(pipeline, 0);
  await member.assign([]);
  t.match(await skipped, { kind: 'refused', refusal: 'left' });
  t.equal(kafka.settled(0).size, 0);
});

t.test(
  'whatever is skipped, whenever: each record is settled once, and none goes back in its lane',
  async (t) => {
    const anyLife = fc.record({
      ordering: fc.constantFrom<Ordering>('partition', 'key', 'none'),
      keys: fc.array(fc.constantFrom(null, 'a', 'b'), { minLength: 4, maxLength: 20 }),
      answers: fc.array(fc.constantFrom(204, 500, 400, 'reset' as const), { minLength: 30, maxLength: 30 }),
      skips: fc.array(fc.tuple(fc.nat(19), fc.boolean()), { maxLength: 8 }),
      hasTopic: fc.boolean(),
      batched: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(anyLife, async ({ ordering, keys, answers, skips, hasTopic, batched }) => {
        const kafka = new MemoryKafka();
        const { fn, pipeline, seen, stop } = await runPipeline(t, {
          kafka,
          function: batched
            ? { contentMode: 'batched', batch: { maxEvents: 4, maxBytes: 2 ** 20, maxWaitMs: 2 } }
            : { concurrency: 3 },
          delivery: {
            ordering,
            retry: 1,
            backoffDelayMs: 2,
            backoffMaxMs: 4,
            ...(hasTopic ? { deadLetter } : {}),
          },
          answer: (_call, index) => answers[index] ?? 204,
        });
        for (const key of keys) kafka.produce({ key });
        const asked: Promise<unknown>[] = [];
        for (const [offset, isBuried] of skips) {
          await new Promise((resolve) => setTimeout(resolve, 3));
          asked.push(skip(pipeline, offset, { deadLetter: isBuried }));
        }
        await until(() => kafka.isDone());
        await Promise.all(asked);
        await stop();
        assert.equal(seen('settled').length, keys.length);
        const letters = kafka.written.length;
        const buried = seen('deadLettered').length;
        assert.equal(letters, buried);
        const last = new Map<string, number>();
        for (const [offset] of fn.calls.map(({ ids }) => ids.map((id) => Number(id.split(':').at(-1))))) {
          const lane = ordering === 'partition' ? '' : keys[offset!];
          if (ordering === 'none' || lane === null || lane === undefined) continue;
          assert.ok(offset! >= (last.get(lane) ?? -1), `lane ${lane} went back to ${offset}`);
          last.set(lane, offset!);
        }
      }),
      { numRuns: 60 },
    );
  },
);
