// How the triggers share a poll: when it is made, whom it serves, and what its failure means.
import t from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { until } from '../fixtures/until.ts';
import { owed, owing, setUp } from './fixtures/polls.ts';

t.test('readers of many triggers share one poll, and its answer for a while', async (t) => {
  const { triggers, polls, reader } = setUp();
  triggers.replace([subscriptionOf('a'), subscriptionOf('b')]);
  const reads = [reader.read('geo/a'), reader.read('geo/b'), reader.read('geo/a')];
  polls[0]?.resolve([owing(1n), owing(2n)]);
  t.strictSame(await Promise.all(reads), [owed(1n), owed(2n), owed(1n)]);
  t.strictSame(await reader.read('geo/b'), owed(2n));
  t.equal(polls.length, 1);
});

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
