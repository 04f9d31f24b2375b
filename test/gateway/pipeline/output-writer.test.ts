import t from 'tap';
import { decodeMark } from '../../../core/contract/marks/progress-mark.ts';
import type { OutgoingRecord } from '../../../core/contract/record-sink.ts';
import { headersOf } from '../events/build.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { offsetsOf, runPipeline } from './run-pipeline.ts';

t.setTimeout(60_000);

const deadLetter = { topic: 'quakes.dead' };
const reply = { topic: 'quakes.notices', transactional: false };
const replyAnswer = (id: string) => ({
  status: 200,
  headers: { 'ce-specversion': '1.0', 'ce-id': id, 'ce-source': '/fn', 'ce-type': 'notice' },
  body: 'notice',
});
const headerOf = ({ headers }: OutgoingRecord, wanted: string) =>
  headers.find(({ name }) => name === wanted)?.value?.toString();

t.test('what cannot be decoded is dead-lettered without asking the function', async (t) => {
  const { kafka, fn, seen } = await runPipeline(t, { delivery: { deadLetter }, endpoints: [] });
  const headers = headersOf(['ce_specversion', '1.0'], ['ce_id', '1']);
  kafka.produce({ key: 'k', value: 'as it was', headers });
  await until(() => kafka.isDone());
  t.equal(fn.calls.length, 0);
  t.match(kafka.written, [{ topic: 'quakes.dead', key: Buffer.from('k'), value: Buffer.from('as it was') }]);
  t.equal(headerOf(kafka.written[0]!, 'millrace-reason'), 'undecodable');
  t.match(seen('settled'), [[{}, { offset: 0n }, 'dead-lettered', 0]]);
});

t.test(
  'a dead letter that cannot be stored settles nothing, holds its lane, and is tried until it is stored',
  async (t) => {
    const { kafka, fn, seen, pipeline } = await runPipeline(t, {
      delivery: { deadLetter },
      answer: ({ ids }) => (ids[0]!.endsWith(':0') ? 400 : 204),
    });
    kafka.failsWrite = ({ topic }) => topic === 'quakes.dead';
    kafka.produce();
    kafka.produce();
    await until(() => seen('storeFailed').length === 2);
    t.match(seen('storeFailed')[0], [{}, { offset: 0n }, 'dead letter', { message: 'not enough replicas' }]);
    t.equal(kafka.committed.get(0) ?? 0n, 0n);
    t.strictSame(offsetsOf(fn), [[0]], 'the function is not asked again, and nothing behind it is sent');
    t.match(pipeline.snapshot(), { queued: 2, deadLettered: 0 });
    kafka.failsWrite = undefined;
    await until(() => kafka.isDone());
    t.strictSame(offsetsOf(fn), [[0], [1]]);
    t.equal(kafka.written.length, 1);
    t.match(pipeline.snapshot(), { queued: 0, deadLettered: 1, delivered: 1 });
  },
);

t.test('dead letters of one lane are stored together, and each that cannot be is tried again', async (t) => {
  const { kafka, seen, pipeline } = await runPipeline(t, { delivery: { deadLetter }, endpoints: [] });
  const headers = headersOf(['ce_specversion', '1.0'], ['ce_id', '1']);
  let asked = 0;
  kafka.failsWrite = ({ value }) => (asked += 1) > 0 && value?.toString() === '3';
  for (let index = 0; index < 150; index += 1) kafka.produce({ key: 'k', value: `${index}`, headers });
  await until(() => asked > 3 && seen('storeFailed').length > 0);
  t.ok(asked <= 100, 'those behind the one that fails wait');
  t.equal(pipeline.snapshot().deadLettered, asked - 1);
  t.match(seen('storeFailed'), [[{}, { offset: 3n }, 'dead letter', {}]]);
  kafka.failsWrite = undefined;
  await until(() => kafka.isDone());
  t.strictSame(
    kafka.written.map(({ value }) => Number(value)).sort((one, other) => one - other),
    [...Array(150).keys()],
  );
});

t.test(
  'a reply is stored before its record is settled; one that cannot be stored is tried again, the function not',
  async (t) => {
    const { kafka, fn, seen, pipeline } = await runPipeline(t, {
      trigger: { reply },
      answer: (_call, index) => replyAnswer(`r${index}`),
    });
    kafka.failsWrite = () => true;
    kafka.produce();
    kafka.produce();
    await until(() => seen('storeFailed').length === 1);
    t.match(seen('storeFailed'), [[{}, { offset: 0n }, 'reply', {}]]);
    t.equal(seen('settled').length, 0);
    kafka.failsWrite = undefined;
    await until(() => kafka.isDone());
    t.strictSame(offsetsOf(fn), [[0], [1]]);
    t.strictSame(
      kafka.written.map((record) => [record.topic, headerOf(record, 'ce_id')]),
      [
        ['quakes.notices', 'r0'],
        ['quakes.notices', 'r1'],
      ],
    );
    t.match(pipeline.snapshot(), { replies: 2, delivered: 2 });
  },
);

t.test(
  'no reply is stored of a 201, of a trigger without a reply topic, or of what is no event',
  async (t) => {
    const plain = await runPipeline(t, { answer: replyAnswer('r') });
    plain.kafka.produce();
    const wanting = await runPipeline(t, {
      trigger: { reply },
      answer: (_call, index) =>
        index === 0 ? { ...replyAnswer('r'), status: 201 } : { status: 200, body: 'thanks' },
    });
    wanting.kafka.produce();
    wanting.kafka.produce();
    await until(() => plain.kafka.isDone() && wanting.kafka.isDone());
    t.strictSame([...plain.kafka.written, ...wanting.kafka.written], []);
  },
);

t.test('a reply that calls itself an event and is none, or is too large, is rejected', async (t) => {
  const { kafka, seen } = await runPipeline(t, {
    trigger: { reply },
    delivery: { deadLetter },
    answer: (_call, index) =>
      index === 0
        ? { status: 200, headers: { 'ce-id': '1' } }
        : { ...replyAnswer('r'), body: Buffer.alloc(2 ** 20 + 1) },
  });
  kafka.produce();
  kafka.produce();
  await until(() => kafka.isDone());
  t.strictSame(
    seen('settled').map(([, , kind]) => kind),
    ['dead-lettered', 'dead-lettered'],
  );
  t.match(seen('deadLettered')[1]?.[2].detail, /larger than 1048576 bytes/);
});

t.test('the reply to a batch belongs to the last event that was delivered', async (t) => {
  const { kafka, seen } = await runPipeline(t, {
    trigger: { reply },
    function: { contentMode: 'batched', batch: { maxEvents: 3, maxBytes: 2 ** 20, maxWaitMs: 20 } },
    answer: replyAnswer('r'),
  });
  kafka.failsWrite = () => true;
  for (let offset = 0; offset < 3; offset += 1) kafka.produce();
  await until(() => seen('storeFailed').length === 1);
  t.match(seen('storeFailed'), [[{}, { offset: 2n }, 'reply', {}]]);
  await until(() => kafka.committed.get(0) === 2n);
  kafka.failsWrite = undefined;
  await until(() => kafka.isDone());
  t.equal(kafka.written.length, 1);
});

t.test('without a dead letter a record blocks its lane, loudly, until the function is mended', async (t) => {
  const { kafka, fn, seen, pipeline } = await runPipeline(t, {
    delivery: { retry: 1, backoffMaxMs: 30, ordering: 'key' },
    answer: ({ ids }) => (ids[0]!.endsWith(':0') ? 500 : 204),
  });
  for (const key of ['a', 'a', 'b']) kafka.produce({ key });
  await until(() => seen('blocked').length === 1 && kafka.settled(0).size === 1);
  t.match(seen('blocked'), [[{}, { offset: 0n }, 'exhausted: the function answered 500']]);
  t.strictSame([...kafka.settled(0)], [2n], 'other lanes go on');
  t.match(pipeline.snapshot(), { blocked: 1, queued: 2 });
  const before = fn.calls.length;
  await until(() => fn.calls.length > before + 2);
  t.equal(seen('blocked').length, 1, 'said once');
  const blockedIn = () =>
    kafka.commits
      .flat()
      .slice(-1)
      .map((last) => decodeMark(last.offset, last.metadata).blocked);
  await until(() => blockedIn()[0] !== undefined);
  t.strictSame(blockedIn(), [[0n]]);
  fn.answer(204);
  await until(() => kafka.isDone());
  t.strictSame(blockedIn(), [undefined]);
  t.match(seen('unblocked'), [[{}, { offset: 0n }]]);
  t.match(pipeline.snapshot(), { blocked: 0, queued: 0, delivered: 3 });
});

t.test('a rejected record without a dead-letter topic is sent again too', async (t) => {
  const { kafka, fn, seen } = await runPipeline(t, { delivery: { backoffMaxMs: 20 }, answer: 400 });
  kafka.produce();
  await until(() => seen('blocked').length === 1);
  fn.answer(204);
  await until(() => kafka.isDone());
});

t.test('what cannot be offered waits for an operator, and goes with its partition', async (t) => {
  const { kafka, fn, member, seen, pipeline } = await runPipeline(t, { delivery: { backoffMaxMs: 5 } });
  kafka.produce({ headers: headersOf(['ce_id', '1']) });
  kafka.produce();
  await until(() => seen('blocked').length === 1);
  await until(() => kafka.commits.length === 1);
  const { offset, metadata } = kafka.commits.flat()[0]!;
  t.match([offset, decodeMark(offset, metadata)], [0n, { end: 0n, blocked: [0n] }], 'the scaler is told');
  await member.assign([]);
  t.match(pipeline.snapshot(), { blocked: 0, queued: 0 });
  t.equal(fn.calls.length, 0);
});
