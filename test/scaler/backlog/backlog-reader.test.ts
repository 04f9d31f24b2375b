import t from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import { createBacklogReader } from '../../../scaler/backlog/backlog-reader.ts';
import { createWantedTriggers } from '../../../scaler/wanted-triggers.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { triggerBacklog, offsetsBehind, setUp } from './fixtures/polls.ts';

t.test(
  'reads the backlog with the partitions of all topics, and emits the records as an event',
  async (t) => {
    const { triggers, events, polls, reader } = setUp();
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
    polls[0]?.resolve([{ kind: 'read', partitions }]);
    t.strictSame(await read, triggerBacklog(5n, 3, 15n));
    t.strictSame(emitted, [5n]);
  },
);

t.test('a failed trigger is an error to its own readers only', async (t) => {
  const { triggers, events, polls, reader, known } = setUp();
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
  polls[0]?.resolve([{ kind: 'failed', error }, offsetsBehind(3n)]);
  await Promise.all([bad, left]);
  t.strictSame(await good, triggerBacklog(3n));
  t.strictSame(failed, ['geo/a', 'geo/c']);
  t.strictSame(known, [['geo/b', triggerBacklog(3n)]]);
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
  polls[0]?.resolve([{ kind: 'read', partitions: [uncommitted] }, offsetsBehind(1n)]);
  await Promise.all([refresh, read]);
});

t.test('works without onBacklog', async (t) => {
  const triggers = createWantedTriggers();
  triggers.replace([subscriptionOf('a')]);
  const offsets = { read: async () => [offsetsBehind(2n)] };
  const reader = createBacklogReader({ offsets, triggers, emit: () => true });
  t.strictSame(await reader.read('geo/a'), triggerBacklog(2n));
});
