import t, { type Test } from 'tap';
import { createKafkaPoll } from '../../controller/kafka-poll.ts';
import { graceMs } from '../../controller/plan/source-condition.ts';
import type { GroupState } from '../../core/kafka/group/group-states.ts';
import { subscriptionOf } from '../fixtures/subscription.ts';
import { until } from '../scaler/fixtures/until.ts';

const committed = { offset: 0n, metadata: '' };
const partition = { topic: 'earthquakes', partition: 0, logStart: 0n, end: 0n, committed };
const nobody: GroupState = { kind: 'read', rebalancing: false, members: [] };

/** A poll at a Kafka whose groups the test decides on, by a clock of the test's. */
function startPoll(t: Test) {
  const world = { nowMs: 1_000_000, group: nobody, polls: 0, changes: [] as string[] };
  const poll = createKafkaPoll({
    kafka: {
      read: async (queries) => queries.map(() => ({ kind: 'read', partitions: [partition] })),
      readGroups: async (queries) => {
        world.polls += 1;
        return queries.map(() => world.group);
      },
    },
    backlog: async () => 0n,
    onChange: (key) => world.changes.push(key),
    delayMs: { unready: 1, ready: 1 },
    now: () => world.nowMs,
  });
  t.teardown(() => poll.stop());
  /** Resolves after two more polls: the second one began after this call. */
  const again = async (): Promise<void> => {
    const before = world.polls;
    await until(() => world.polls >= before + 2);
  };
  return { world, again, state: poll.state.bind(poll), setSubscriptions: poll.setSubscriptions.bind(poll) };
}

t.test('an unchanged state is not reported again, except once when the grace period ends', async (t) => {
  const { world, setSubscriptions, again, state } = startPoll(t);
  setSubscriptions([subscriptionOf('a')]);
  await again();
  t.strictSame(world.changes, ['geo/a']);
  t.equal(state('geo/a')?.unreadySinceMs, 1_000_000, 'nobody is in the group');
  await again();
  t.equal(world.changes.length, 1);
  world.nowMs += graceMs - 1;
  await again();
  t.equal(world.changes.length, 1);
  world.nowMs += 1;
  await again();
  t.equal(world.changes.length, 2);
  world.nowMs += 10 * graceMs;
  await again();
  t.equal(world.changes.length, 2, 'an outage of hours is not reported more often');
  const member = { clientId: 'g', partitions: new Map([['earthquakes', [0]]]) };
  world.group = { kind: 'read', rebalancing: false, members: [member] };
  await again();
  t.equal(world.changes.length, 3);
  t.equal(state('geo/a')?.unreadySinceMs, undefined);
});

t.test('a trigger that is no longer polled is forgotten', async (t) => {
  const { setSubscriptions, again, state } = startPoll(t);
  setSubscriptions([subscriptionOf('a'), subscriptionOf('b')]);
  await again();
  setSubscriptions([subscriptionOf('b')]);
  t.equal(state('geo/a'), undefined);
  t.ok(state('geo/b'));
});
