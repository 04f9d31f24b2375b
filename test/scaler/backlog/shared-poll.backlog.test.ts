// How the triggers share a poll: when it is made, whom it serves, and what its failure means.
import t from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { until } from '../fixtures/until.ts';
import { triggerBacklog, offsetsBehind, setUp } from './fixtures/polls.ts';

t.test('readers of many triggers share one poll, and its answer for a while', async (t) => {
  const { triggers, polls, reader } = setUp();
  triggers.replace([subscriptionOf('a'), subscriptionOf('b')]);
  const reads = [reader.read('geo/a'), reader.read('geo/b'), reader.read('geo/a')];
  polls[0]?.resolve([offsetsBehind(1n), offsetsBehind(2n)]);
  t.strictSame(await Promise.all(reads), [triggerBacklog(1n), triggerBacklog(2n), triggerBacklog(1n)]);
  t.strictSame(await reader.read('geo/b'), triggerBacklog(2n));
  t.equal(polls.length, 1);
});

t.test('polls again when the answer is old', async (t) => {
  const { triggers, polls, reader } = setUp(0);
  triggers.replace([subscriptionOf('a')]);
  for (const records of [1n, 5n]) {
    const read = reader.read('geo/a');
    polls.at(-1)?.resolve([offsetsBehind(records)]);
    t.strictSame(await read, triggerBacklog(records));
  }
  t.equal(polls.length, 2);
});

t.test('no broker: every read rejects, and a failure is cached as long as an answer', async (t) => {
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
});

t.test('an error that is a bug is reported with its cause, too', async (t) => {
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
  polls[0]?.resolve([offsetsBehind(1n), offsetsBehind(7n)]);
  t.strictSame(
    await Promise.all([first, same]),
    [triggerBacklog(1n), triggerBacklog(1n)],
    'a trigger that is replaced by an equal one needs no other poll',
  );
  await until(() => polls.length === 2);
  polls[1]?.resolve([offsetsBehind(1n), offsetsBehind(2n), offsetsBehind(3n)]);
  t.strictSame(await Promise.all([late, changed]), [triggerBacklog(2n), triggerBacklog(3n)]);
});

t.test('a trigger that went while a poll was under way', async (t) => {
  const { triggers, polls, reader } = setUp();
  triggers.replace([subscriptionOf('a')]);
  const waiting = reader.refresh();
  triggers.replace([subscriptionOf('b')]);
  const read = t.rejects(reader.read('geo/b'), { code: 'MILLRACE_TRIGGER_UNKNOWN' });
  triggers.replace([]);
  polls[0]?.resolve([offsetsBehind(1n)]);
  await Promise.all([waiting, read]);
});
