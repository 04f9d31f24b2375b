// A batch that cannot be read is one thing: its partition waits before it, and a skip passes all of it or nothing.
import t from 'tap';
import { decodeMark } from '../../../core/contract/marks/progress-mark.ts';
import type { SkipRequest, UnreadableBatch } from '../../../core/contract/skip.ts';
import type { Pipeline } from '../../../gateway/pipeline/pipeline.ts';
import { MemoryKafka } from '../../fixtures/kafka/memory-kafka.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { offsetsOf, runPipeline } from './run-pipeline.ts';

t.setTimeout(60_000);

const deadLetter = { topic: 'quakes.dead' };
const skip = (pipeline: Pipeline, offset: bigint, changes: Partial<SkipRequest> = {}) =>
  pipeline.skip({
    ...{ topic: 'quakes', partition: 0, offset, reason: 'lost', by: 'curl at 127.0.0.1' },
    ...{ deadLetter: true, waitMs: 5_000 },
    ...changes,
  });

function textsOf(headers: readonly { readonly name: string; readonly value: Buffer | null }[]) {
  return Object.fromEntries(headers.map(({ name, value }) => [name, String(value)]));
}

/** Records 0 and 1, a batch of 2 to 6, and record 7. */
function damaged(bytes?: Buffer<ArrayBuffer>): { kafka: MemoryKafka; batch: UnreadableBatch } {
  const kafka = new MemoryKafka();
  kafka.produce();
  kafka.produce();
  const batch = kafka.corrupt(0, 5, bytes);
  kafka.produce();
  return { kafka, batch };
}

t.test('what stands before it is delivered, other partitions go on, and everybody can see it', async (t) => {
  const { kafka } = damaged();
  const { fn, pipeline, seen } = await runPipeline(t, { kafka, partitions: [0, 1] });
  await until(() => seen('unreadable').length === 1);
  kafka.produce({ partition: 1 });
  await until(() => fn.calls.length === 3 && kafka.committed.get(0) === 2n && kafka.isDone([1]));
  t.match(seen('unreadable'), [[{}, { offset: 2n, lastOffset: 6n, why: 'a bit is wrong' }]]);
  t.match(pipeline.snapshot(), {
    unreadable: 1,
    firstUnreadable: {
      ...{ topic: 'quakes', partition: 0, offset: '2', lastOffset: '6', reason: 'a bit is wrong' },
      skip: 'millrace skip geo/quake-alerts --topic quakes --partition 0 --offset 2',
    },
  });
  t.match(pipeline.blocked(10), [
    { partition: 0, offset: 2n, lastOffset: 6n, cause: { reason: 'unreadable', attempts: 0 } },
  ]);
});

t.test('a skip names the whole batch, and nothing else', async (t) => {
  const { kafka } = damaged();
  const { fn, pipeline, seen } = await runPipeline(t, { kafka });
  await until(() => seen('unreadable').length === 1 && kafka.committed.get(0) === 2n);
  t.match(await skip(pipeline, 4n), {
    refusal: 'unreadable',
    why: /skipped as a whole: millrace skip geo\/quake-alerts .* --offset 2$/,
  });
  t.match(await skip(pipeline, 7n), { refusal: 'not-fetched' });
  t.match(await skip(pipeline, 1n), { refusal: 'settled' });
  t.equal(kafka.committed.get(0), 2n, 'none of them has passed it');

  const answer = await skip(pipeline, 2n);
  t.match(answer, {
    kind: 'settled',
    settlement: 'skipped',
    trace: {
      record: { offset: 2n, value: Buffer.from('no records') },
      batch: { offset: 2n, lastOffset: 6n, size: 10 },
      cause: { reason: 'unreadable', detail: 'a bit is wrong' },
    },
  });
  t.equal(kafka.committed.get(0)! >= 7n, true, 'Kafka knows before the answer is given');
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(fn), [[0], [1], [7]]);
  t.match(seen('skipped'), [[{}, { reason: 'lost' }, { batch: { lastOffset: 6n } }]]);
  t.equal(seen('passed').length, 1);
  t.match(pipeline.snapshot(), { unreadable: 0, firstUnreadable: undefined, skipped: 1, queued: 0 });
  t.match(await skip(pipeline, 2n), { refusal: 'settled' });
});

for (const transactional of [false, true]) {
  const reply = { topic: 'notices', transactional };
  t.test(`its dead letter has its bytes; transactional: ${transactional}`, async (t) => {
    const bytes = Buffer.from([0xff, 0, 1]);
    const { kafka } = damaged(bytes);
    const { pipeline, seen } = await runPipeline(t, { kafka, delivery: { deadLetter }, trigger: { reply } });
    await until(() => seen('unreadable').length === 1);
    t.match(await skip(pipeline, 2n), {
      settlement: 'skipped',
      trace: { deadLetter: { topic: 'quakes.dead' } },
    });
    await until(() => kafka.isDone());
    const [letter, ...others] = kafka.written;
    t.equal(others.length, 0);
    t.strictSame([letter?.topic, letter?.key, letter?.value], ['quakes.dead', null, bytes]);
    const { 'millrace-detail': detail, ...headers } = textsOf(letter?.headers ?? []);
    t.equal(detail, 'a bit is wrong; skipped: lost (curl at 127.0.0.1)');
    t.strictSame(headers, {
      'millrace-trigger': 'geo/quake-alerts',
      'millrace-topic': 'quakes',
      'millrace-partition': '0',
      'millrace-offset': '2',
      'millrace-last-offset': '6',
      'millrace-batch-bytes': '3',
      'millrace-reason': 'unreadable',
      'millrace-attempts': '0',
    });
    t.equal(seen('deadLettered').length, 1);
    t.match(pipeline.snapshot(), { skipped: 1, deadLettered: 0 });
  });

  t.test(`until it is stored, nothing of it is settled; transactional: ${transactional}`, async (t) => {
    const { kafka, batch } = damaged();
    const refuse = (is: boolean): void => {
      kafka.failsWrite = is ? () => true : undefined;
      kafka.endsTransaction = is ? () => ({ kind: 'aborted', error: new Error('away') }) : undefined;
    };
    // Records of other keys are under way beside it.
    const changes = {
      kafka,
      drainLimitMs: 50,
      delivery: { ordering: 'key', deadLetter },
      trigger: { reply },
    } as const;
    const first = await runPipeline(t, changes);
    await until(() => first.seen('unreadable').length === 1 && kafka.committed.get(0) === 2n);
    refuse(true);
    t.match(await skip(first.pipeline, 2n, { waitMs: 20 }), { kind: 'pending' });
    t.match(await skip(first.pipeline, 2n, { waitMs: 20 }), { kind: /pending|refused/ }, 'asked twice');
    // Whatever the source does meanwhile: what comes behind the batch could be settled, and a mark has no word for its parts.
    first.member.fetch(0);
    kafka.produce();
    await new Promise((resolve) => setImmediate(resolve));
    t.equal(first.fn.calls.length, 2);
    const isPast = kafka.commits.flat().some(({ offset, metadata }) => {
      const { end, open } = decodeMark(offset, metadata);
      return offset > 2n || (end > 2n && !open.includes(2n));
    });
    t.notOk(isPast);
    await first.stop();

    // Another replica has it whole.
    refuse(false);
    kafka.heal(batch);
    const second = await runPipeline(t, changes);
    await until(() => kafka.isDone());
    t.strictSame(offsetsOf(second.fn).flat().sort(), [2, 3, 4, 5, 6, 7, 8]);
    t.equal(second.seen('unreadable').length, 0);
  });
}

t.test('it can be read after all: its records are delivered, and the skip is refused', async (t) => {
  const { kafka, batch } = damaged();
  const { fn, pipeline, seen } = await runPipeline(t, { kafka });
  await until(() => seen('unreadable').length === 1);
  kafka.heal(batch);
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(fn).flat(), [0, 1, 2, 3, 4, 5, 6, 7]);
  t.match(pipeline.snapshot(), { unreadable: 0 });
  t.equal(seen('passed').length, 1);
  t.match(await skip(pipeline, 2n), { refusal: 'settled' });
});

t.test('what the mark says of all its records is believed, and of some of them is not', async (t) => {
  const { kafka, batch } = damaged();
  kafka.heal(batch);
  // The second record fails for long, and what comes behind it is settled.
  const answer = ({ ids: [id] }: { ids: readonly string[] }) => (id!.endsWith(':1') ? 500 : 204);
  const never = { ordering: 'none', retry: -1, backoffDelayMs: 60_000, backoffMaxMs: 60_000 } as const;
  const first = await runPipeline(t, { kafka, answer, delivery: never });
  await until(() => first.seen('settled').length === 7 && kafka.committed.get(0) === 1n);
  await first.stop();
  kafka.batches.push(batch);
  const second = await runPipeline(t, { kafka, delivery: never });
  await until(() => kafka.isDone());
  t.strictSame(offsetsOf(second.fn), [[1]], 'all of it was settled before');
  t.equal(second.seen('unreadable').length, 0);
  await second.stop();

  kafka.committed.set(0, 3n);
  kafka.metadata.set(0, '');
  const third = await runPipeline(t, { kafka, delivery: never });
  await until(() => third.seen('unreadable').length === 1);
  t.equal(kafka.committed.get(0), 3n, 'of what is wanted of it, nothing is known to be settled');
  kafka.batches.length = 0;
});

t.test('where it ends is not known: it cannot be skipped', async (t) => {
  const kafka = new MemoryKafka();
  const { member, pipeline, seen } = await runPipeline(t, { kafka });
  await until(() => member.assigned.has(0));
  const batch = { ...kafka.corrupt(0, 1), lastOffset: undefined };
  kafka.batches.splice(0, 1, batch);
  member.fetch(0);
  await until(() => seen('unreadable').length > 0);
  t.match(await skip(pipeline, 0n), { refusal: 'unreadable', why: /does not tell where it ends/ });
  t.notOk(kafka.committed.has(0));
});

t.test('of a large one as much is kept as a partition may have in memory', async (t) => {
  const { kafka } = damaged(Buffer.alloc(5_000, 7));
  const { pipeline, seen } = await runPipeline(t, { kafka, bytes: 2_000, delivery: { deadLetter } });
  await until(() => seen('unreadable').length === 1);
  await skip(pipeline, 2n);
  await until(() => kafka.isDone());
  const [letter] = kafka.written;
  t.equal(letter?.value?.length, 2_000);
  const { 'millrace-detail': detail, 'millrace-batch-bytes': size } = textsOf(letter?.headers ?? []);
  t.match([detail, size], [/^cut to the first 2000 of 5000 bytes; a bit is wrong; skipped: /, '5000']);
});

t.test('where the topic takes less, its dead letter has less', async (t) => {
  const { kafka } = damaged(Buffer.alloc(5_000, 7));
  const { pipeline, seen } = await runPipeline(t, { kafka, delivery: { deadLetter } });
  const write = kafka.sink.write.bind(kafka.sink);
  kafka.sink.write = (record) =>
    (record.value?.length ?? 0) > 3_000
      ? Promise.reject(Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE' }))
      : write(record);
  await until(() => seen('unreadable').length === 1);
  t.match(await skip(pipeline, 2n), { settlement: 'skipped', trace: { batch: { size: 5_000 } } });
  const [letter] = kafka.written;
  t.equal(letter?.value?.length, 2_500);
  t.match(textsOf(letter?.headers ?? [])['millrace-detail'], /^cut to the first 2500 of 5000 bytes; /);
  await until(() => kafka.isDone());
});
