import t from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import type { OffsetsQuery, OffsetsResult } from '../../../core/kafka/offsets/partition-offsets.ts';
import { createMeasurements, type MeasurementsOptions } from '../../../scaler/backlog/measurements.ts';

interface Target {
  readonly key: string;
  readonly group: string;
}

const read: OffsetsResult = {
  kind: 'read',
  partitions: [{ topic: 'tides', partition: 0, logStart: 0n, end: 7n }],
};
const failed = (message: string): OffsetsResult => ({
  kind: 'failed',
  error: new MillraceError('MILLRACE_KAFKA_UNREACHABLE', message),
});

/** Targets `a` to `c`, of which `c` cannot be measured. The test answers the questions to Kafka by hand, in the order of `asked`. */
function setUp(options: Partial<MeasurementsOptions<Target, string>> = {}) {
  const targets = new Map(['a', 'b', 'c'].map((key) => [key, { key, group: `group-of-${key}` }]));
  const asked: (PromiseWithResolvers<OffsetsResult> & { query: OffsetsQuery })[] = [];
  const measured: unknown[] = [];
  const measurements = createMeasurements<Target, string>({
    offsets: {
      readOne(query) {
        const question = { ...Promise.withResolvers<OffsetsResult>(), query };
        asked.push(question);
        return question.promise;
      },
      waitsFor: (access) => (access === undefined ? undefined : 'connected to kafka:9092, but no answer'),
    },
    targetOf(key) {
      const found = targets.get(key);
      if (found === undefined) throw new Error(`nobody wants ${key}`);
      return found;
    },
    queryOf: ({ group }) => ({ group, topics: ['tides'] }),
    measure({ key, group }, partitions) {
      if (key === 'c') throw new Error('cannot be measured');
      return `${group} over ${partitions.length}`;
    },
    onMeasured: (key, answer) => measured.push([key, answer]),
    ...options,
  });
  return { targets, asked, measured, measurements };
}

t.test('asks Kafka about who is read, once for all who read it, and about nobody else', async (t) => {
  const { asked, measured, measurements } = setUp();
  const reads = [measurements.read('a'), measurements.read('b'), measurements.read('a')];
  t.strictSame(
    asked.map(({ query }) => query.group),
    ['group-of-a', 'group-of-b'],
  );
  asked[1]?.resolve(read);
  t.equal(await reads[1], 'group-of-b over 1', 'b does not wait for a');
  asked[0]?.resolve(read);
  t.strictSame(await Promise.all(reads), ['group-of-a over 1', 'group-of-b over 1', 'group-of-a over 1']);
  t.equal(await measurements.read('b'), 'group-of-b over 1');
  t.equal(asked.length, 2, 'the answer is cached');
  t.strictSame(measured, [
    ['b', 'group-of-b over 1'],
    ['a', 'group-of-a over 1'],
  ]);
});

t.test('asks again when the answer is old, and when it is to be measured now', async (t) => {
  const old = setUp({ maxAgeMs: 0 });
  for (const index of [0, 1]) {
    const reading = old.measurements.read('a');
    old.asked[index]?.resolve(read);
    await reading;
  }
  const young = setUp();
  for (const index of [0, 1]) {
    const measuring = young.measurements.measure('a');
    young.asked[index]?.resolve(read);
    await measuring;
  }
  t.strictSame([old.asked.length, young.asked.length], [2, 2]);
});

t.test('what fails is unknown, with the cause, and cached as long as an answer', async (t) => {
  const { asked, measured, measurements } = setUp();
  const reading = measurements.read('a');
  asked[0]?.resolve(failed('No broker answers'));
  const unknown = { code: 'MILLRACE_BACKLOG_UNKNOWN', message: 'The backlog of a is unknown' };
  await t.rejects(reading, { ...unknown, cause: { message: 'No broker answers' } });
  await t.rejects(measurements.read('a'), unknown);
  t.equal(asked.length, 1);
  t.match(measured, [['a', unknown]]);
  const wrong = measurements.read('c');
  asked[1]?.resolve(read);
  await t.rejects(wrong, { code: 'MILLRACE_BACKLOG_UNKNOWN', cause: { message: 'cannot be measured' } });
  await t.rejects(measurements.read('d'), { message: 'nobody wants d' });
});

t.test('a target that is edited while Kafka is asked gets an answer of its own', async (t) => {
  const { targets, asked, measured, measurements } = setUp();
  const before = measurements.read('a');
  targets.set('a', { key: 'a', group: 'edited' });
  const after = measurements.read('a');
  asked[0]?.resolve(read);
  t.equal(await before, 'group-of-a over 1');
  asked[1]?.resolve(read);
  t.equal(await after, 'edited over 1');
  t.strictSame(measured, [['a', 'edited over 1']], 'nothing is told of what is over');
});

t.test('what is forgotten tells nothing more, and starts afresh', async (t) => {
  const { asked, measured, measurements } = setUp();
  const reading = measurements.read('a');
  measurements.forget('a');
  asked[0]?.resolve(read);
  await reading;
  t.strictSame(measured, []);
  const again = measurements.read('a');
  asked[1]?.resolve(read);
  await again;
  t.equal(asked.length, 2);
});

t.test('nobody waits longer than KEDA does', async (t) => {
  const { asked, measurements } = setUp({ waitMs: 1, maxAgeMs: 0 });
  const unknown = { code: 'MILLRACE_BACKLOG_UNKNOWN' };
  await t.rejects(measurements.read('a'), {
    ...unknown,
    cause: { code: 'MILLRACE_KAFKA_UNREACHABLE', message: 'Kafka takes more than 0.001 s: no answer yet' },
  });
  const joining = measurements.read('a');
  t.equal(asked.length, 1, 'the question goes on');
  asked[0]?.resolve(read);
  t.equal(await joining, 'group-of-a over 1');
  t.equal(
    await measurements.read('a'),
    'group-of-a over 1',
    'the last answer, while the next one takes long',
  );
  t.equal(asked.length, 2);
  asked[1]?.resolve(failed('away'));
  await t.rejects(measurements.read('a'), { ...unknown, cause: { message: 'away' } });
  await t.rejects(measurements.read('a'), { ...unknown, cause: { message: /no answer yet/ } });
  t.equal(asked.length, 3, 'a failure is no answer to fall back on');
});

t.test('an old answer is none, and the error says what the cluster waits for', async (t) => {
  const access = { brokers: ['kafka:9092'], namespace: 'geo' };
  const { asked, measurements } = setUp({
    waitMs: 1,
    maxAgeMs: 0,
    staleMs: 0,
    queryOf: ({ group }) => ({ access, group, topics: [] }),
  });
  const reading = measurements.read('a');
  asked[0]?.resolve(read);
  await reading;
  await t.rejects(measurements.read('a'), {
    cause: { message: 'Kafka takes more than 0.001 s: connected to kafka:9092, but no answer yet' },
  });
});

t.test('works without onMeasured', async (t) => {
  const { asked, measurements } = setUp({ onMeasured: undefined });
  const reading = measurements.read('a');
  asked[0]?.resolve(read);
  t.equal(await reading, 'group-of-a over 1');
});
