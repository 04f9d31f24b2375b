import t from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import { createBacklogReader } from '../../../scaler/backlog/backlog-reader.ts';
import { createWantedTriggers } from '../../../scaler/wanted-triggers.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { backlogOf, offsetsBehind, setUp } from './fixtures/polls.ts';

t.test(
  'reads the backlog with the partitions of all topics, and emits the records as an event',
  async (t) => {
    const { triggers, events, asked, reader, known } = setUp();
    const emitted: unknown[] = [];
    events.on('backlog', (_key, records) => emitted.push(records));
    triggers.replace([subscriptionOf('a', { source: { topics: ['earthquakes', 'tides'] } })]);
    const read = reader.read('geo/a');
    const committed = { offset: 5n, metadata: '' };
    const partitions = [
      { topic: 'earthquakes', partition: 0, logStart: 0n, end: 9n, committed },
      { topic: 'earthquakes', partition: 1, logStart: 0n, end: 5n, committed },
      { topic: 'tides', partition: 0, logStart: 0n, end: 6n, committed },
    ];
    asked[0]?.resolve({ kind: 'read', partitions });
    const backlog = backlogOf(5n, { lanes: 2n, partitions: 3, settled: 15n });
    t.strictSame(await read, backlog);
    t.strictSame(emitted, [5n]);
    t.strictSame(known, [['geo/a', backlog]]);
  },
);

t.test('a failed trigger is an error to its own readers only', async (t) => {
  const { triggers, events, asked, reader, known } = setUp();
  const failed: string[] = [];
  const emitted: unknown[] = [];
  events.on('backlogFailed', (key) => failed.push(key));
  events.on('backlog', (...told) => emitted.push(told));
  triggers.replace([subscriptionOf('a'), subscriptionOf('b')]);
  const bad = t.rejects(reader.read('geo/a'), {
    code: 'MILLRACE_BACKLOG_UNKNOWN',
    cause: { code: 'MILLRACE_TOPIC_MISSING' },
  });
  const good = reader.read('geo/b');
  const error = new MillraceError('MILLRACE_TOPIC_MISSING', 'Topic earthquakes does not exist');
  asked[0]?.resolve({ kind: 'failed', error });
  asked[1]?.resolve(offsetsBehind(3n));
  await bad;
  t.strictSame(await good, backlogOf(3n));
  t.strictSame(failed, ['geo/a']);
  t.strictSame(emitted, [
    ['geo/a', undefined],
    ['geo/b', 3n],
  ]);
  t.strictSame(known, [['geo/b', backlogOf(3n)]]);
});

t.test('unknown triggers', async (t) => {
  const { asked, reader } = setUp();
  await t.rejects(reader.read('geo/nobody'), { code: 'MILLRACE_TRIGGER_UNKNOWN', message: /geo\/nobody/ });
  t.equal(asked.length, 0);
});

t.test('a trigger that goes and comes again starts afresh', async (t) => {
  const { triggers, asked, reader } = setUp();
  const trigger = subscriptionOf('a');
  for (const records of [1n, 2n]) {
    triggers.replace([trigger]);
    const read = reader.read('geo/a');
    asked.at(-1)?.resolve(offsetsBehind(records));
    t.strictSame(await read, backlogOf(records));
    triggers.replace([]);
  }
});

t.test('asks for what the trigger says: a pattern, and a time only where it begins at one', async (t) => {
  const { triggers, asked, reader } = setUp();
  const source = { topics: [], topicPattern: 'quake.*', initialOffset: { timestampMs: 5 } };
  triggers.replace([subscriptionOf('a', { source }), subscriptionOf('b')]);
  const read = t.rejects(reader.read('geo/a'), {
    code: 'MILLRACE_BACKLOG_UNKNOWN',
    cause: { message: /initial time/ },
  });
  const measured = reader.measure('geo/b');
  t.match(
    asked.map(({ query }) => query),
    [
      { group: 'millrace.geo.a', topics: [], topicPattern: 'quake.*', startTimestampMs: 5 },
      {
        group: 'millrace.geo.b',
        topics: ['earthquakes'],
        topicPattern: undefined,
        startTimestampMs: undefined,
      },
    ],
  );
  const uncommitted = { topic: 'quakes', partition: 0, logStart: 0n, end: 3n };
  asked[0]?.resolve({ kind: 'read', partitions: [uncommitted] });
  asked[1]?.resolve(offsetsBehind(1n));
  await Promise.all([measured, read]);
});

t.test('works without onBacklog', async (t) => {
  const triggers = createWantedTriggers();
  triggers.replace([subscriptionOf('a')]);
  const offsets = { readOne: async () => offsetsBehind(2n), waitsFor: () => undefined };
  const reader = createBacklogReader({ offsets, triggers, emit: () => true });
  t.strictSame(await reader.read('geo/a'), backlogOf(2n));
});
