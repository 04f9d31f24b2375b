import t from 'tap';
import { MillraceError } from '../../../gateway/contract/errors.ts';
import type { OffsetsQuery, OffsetsResult } from '../../../gateway/kafka/offsets.ts';
import { createBacklogReader } from '../../../scaler/backlog/backlog-reader.ts';
import { createScalerEmitter } from '../../../scaler/events.ts';
import { createWantedTriggers } from '../../../scaler/wanted-triggers.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { until } from '../fixtures/until.ts';

const owed = (records: bigint, partitions = 1, settled = 0n) => ({ records, partitions, settled });
const owing = (records: bigint): OffsetsResult => ({
  kind: 'read',
  partitions: [
    {
      topic: 'earthquakes',
      partition: 0,
      logStart: 0n,
      end: records,
      committed: { offset: 0n, metadata: '' },
    },
  ],
});

/** A reader over polls that the test answers by hand, in the order of `polls`. */
function setUp(maxAgeMs = 500) {
  const triggers = createWantedTriggers();
  const events = createScalerEmitter();
  const polls: (PromiseWithResolvers<OffsetsResult[]> & { queries: readonly OffsetsQuery[] })[] = [];
  const offsets = {
    read(queries: readonly OffsetsQuery[]) {
      const poll = { ...Promise.withResolvers<OffsetsResult[]>(), queries };
      polls.push(poll);
      return poll.promise;
    },
  };
  const reader = createBacklogReader({ offsets, triggers, maxAgeMs, emit: events.emit.bind(events) });
  return { triggers, events, polls, reader };
}

t.test('readers of many triggers share one poll, and its answer for a while', async (t) => {
  const { triggers, polls, reader } = setUp();
  triggers.replace([subscriptionOf('a'), subscriptionOf('b')]);
  const reads = [reader.read('geo/a'), reader.read('geo/b'), reader.read('geo/a')];
  polls[0]?.resolve([owing(1n), owing(2n)]);
  t.strictSame(await Promise.all(reads), [owed(1n), owed(2n), owed(1n)]);
  t.strictSame(await reader.read('geo/b'), owed(2n));
  t.equal(polls.length, 1);
});

t.test(
  'what is owed is told with the partitions of all topics, and the records to whoever watches',
  async (t) => {
    const { triggers, events, polls, reader } = setUp();
    const told: unknown[] = [];
    events.on('backlog', (_key, records) => told.push(records));
    triggers.replace([subscriptionOf('a', { source: { topics: ['earthquakes', 'tides'] } })]);
    const read = reader.read('geo/a');
    const committed = { offset: 5n, metadata: '' };
    const partitions = [
      { topic: 'earthquakes', partition: 0, logStart: 0n, end: 9n, committed },
      { topic: 'earthquakes', partition: 1, logStart: 0n, end: 5n, committed },
      { topic: 'tides', partition: 0, logStart: 0n, end: 6n, committed },
    ];
    polls[0]?.resolve([{ kind: 'read', partitions }]);
    t.strictSame(await read, owed(5n, 3, 15n));
    t.strictSame(told, [5n]);
  },
);

t.test('polls again when the answer is old', async (t) => {
  const { triggers, polls, reader } = setUp(0);
  triggers.replace([subscriptionOf('a')]);
  for (const records of [1n, 5n]) {
    const read = reader.read('geo/a');
    polls.at(-1)?.resolve([owing(records)]);
    t.strictSame(await read, owed(records));
  }
  t.equal(polls.length, 2);
});

t.test('a failed trigger is an error to its own readers only', async (t) => {
  const { triggers, events, polls, reader } = setUp();
  const failed: string[] = [];
  events.on('backlogFailed', (key) => failed.push(key));
  triggers.replace([subscriptionOf('a'), subscriptionOf('b'), subscriptionOf('c')]);
  const bad = t.rejects(reader.read('geo/a'), {
    code: 'MILLRACE_BACKLOG_UNKNOWN',
    cause: { code: 'MILLRACE_TOPIC_MISSING' },
  });
  const good = reader.read('geo/b');
  const left = t.rejects(reader.read('geo/c'), { code: 'MILLRACE_BACKLOG_UNKNOWN' }, 'no answer is no zero');
  const error = new MillraceError('MILLRACE_TOPIC_MISSING', 'Topic earthquakes does not exist');
  polls[0]?.resolve([{ kind: 'failed', error }, owing(3n)]);
  await Promise.all([bad, left]);
  t.strictSame(await good, owed(3n));
  t.strictSame(failed, ['geo/a', 'geo/c']);
});

t.test(
  'no broker: every reader is told, once per poll, and a failure is kept as long as an answer',
  async (t) => {
    const { triggers, polls, reader } = setUp();
    triggers.replace([subscriptionOf('a')]);
    const read = t.rejects(reader.read('geo/a'), { code: 'MILLRACE_BACKLOG_UNKNOWN', message: /geo\/a/ });
    polls[0]?.reject(new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'No broker answers'));
    await read;
    await t.rejects(reader.read('geo/a'), { cause: { code: 'MILLRACE_KAFKA_UNREACHABLE' } });
    await t.rejects(reader.refresh(), { code: 'MILLRACE_KAFKA_UNREACHABLE' });
    t.equal(polls.length, 1);
    triggers.replace([subscriptionOf('a'), subscriptionOf('new')]);
    await t.rejects(
      reader.read('geo/new'),
      { code: 'MILLRACE_BACKLOG_UNKNOWN' },
      'a new one need not ask again',
    );
  },
);

t.test('an error that is a bug of ours is told with its cause, too', async (t) => {
  const { triggers, polls, reader } = setUp();
  triggers.replace([subscriptionOf('a')]);
  const read = t.rejects(reader.read('geo/a'), { cause: { code: 'MILLRACE_KAFKA_FAILED', message: 'bug' } });
  polls[0]?.reject(new Error('bug'));
  await read;
});

t.test('a trigger that came or changed while a poll was under way gets the next one', async (t) => {
  const { triggers, polls, reader } = setUp();
  triggers.replace([subscriptionOf('a'), subscriptionOf('c')]);
  const first = reader.read('geo/a');
  triggers.replace([
    subscriptionOf('a'),
    subscriptionOf('b'),
    subscriptionOf('c', { source: { topics: ['other'] } }),
  ]);
  const same = reader.read('geo/a');
  const late = reader.read('geo/b');
  const changed = reader.read('geo/c');
  polls[0]?.resolve([owing(1n), owing(7n)]);
  t.strictSame(
    await Promise.all([first, same]),
    [owed(1n), owed(1n)],
    'a trigger told again as it was needs no other poll',
  );
  await until(() => polls.length === 2);
  polls[1]?.resolve([owing(1n), owing(2n), owing(3n)]);
  t.strictSame(await Promise.all([late, changed]), [owed(2n), owed(3n)]);
});

t.test('a trigger that went while a poll was under way', async (t) => {
  const { triggers, polls, reader } = setUp();
  triggers.replace([subscriptionOf('a')]);
  const waiting = reader.refresh();
  triggers.replace([subscriptionOf('b')]);
  const read = t.rejects(reader.read('geo/b'), { code: 'MILLRACE_TRIGGER_UNKNOWN' });
  triggers.replace([]);
  polls[0]?.resolve([owing(1n)]);
  await Promise.all([waiting, read]);
});

t.test('unknown triggers', async (t) => {
  const { polls, reader } = setUp();
  await t.rejects(reader.read('geo/nobody'), { code: 'MILLRACE_TRIGGER_UNKNOWN', message: /geo\/nobody/ });
  t.equal(polls.length, 0);
});

t.test('asks for what the trigger says: a pattern, and a time only where it begins at one', async (t) => {
  const { triggers, polls, reader } = setUp();
  const source = { topics: [], topicPattern: 'quake.*', initialOffset: { timestampMs: 5 } };
  triggers.replace([subscriptionOf('a', { source }), subscriptionOf('b')]);
  const refresh = reader.refresh();
  t.match(polls[0]?.queries, [
    { group: 'millrace.geo.a', topics: [], topicPattern: 'quake.*', startTimestampMs: 5 },
    {
      group: 'millrace.geo.b',
      topics: ['earthquakes'],
      topicPattern: undefined,
      startTimestampMs: undefined,
    },
  ]);
  const read = t.rejects(reader.read('geo/a'), {
    code: 'MILLRACE_BACKLOG_UNKNOWN',
    cause: { message: /initial time/ },
  });
  const uncommitted = { topic: 'quakes', partition: 0, logStart: 0n, end: 3n };
  polls[0]?.resolve([{ kind: 'read', partitions: [uncommitted] }, owing(1n)]);
  await Promise.all([refresh, read]);
});
