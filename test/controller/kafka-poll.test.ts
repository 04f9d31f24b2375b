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
function lookupOf(t: Test) {
  const world = { nowMs: 1_000_000, group: nobody, looks: 0, changes: [] as string[] };
  const poll = createKafkaPoll({
    kafka: {
      read: async (queries) => queries.map(() => ({ kind: 'read', partitions: [partition] })),
      readGroups: async (queries) => {
        world.looks += 1;
        return queries.map(() => world.group);
      },
    },
    backlog: async () => 0n,
    onChange: (key) => world.changes.push(key),
    delayMs: { lacking: 1, whole: 1 },
    now: () => world.nowMs,
  });
  t.teardown(() => poll.stop());
  /** Resolves after two more looks, of which the second saw all that was so before. */
  const again = async (): Promise<void> => {
    const before = world.looks;
    await until(() => world.looks >= before + 2);
  };
  return { world, again, facts: poll.facts.bind(poll), want: poll.want.bind(poll) };
}

t.test('what is as it was is not told again, but once when it has lacked for too long', async (t) => {
  const { world, want, again, facts } = lookupOf(t);
  want([subscriptionOf('a')]);
  await again();
  t.strictSame(world.changes, ['geo/a']);
  t.equal(facts('geo/a')?.lackingSinceMs, 1_000_000, 'nobody is in the group');
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
  t.equal(world.changes.length, 2, 'an outage of hours is told no more often');
  const member = { clientId: 'g', partitions: new Map([['earthquakes', [0]]]) };
  world.group = { kind: 'read', rebalancing: false, members: [member] };
  await again();
  t.equal(world.changes.length, 3);
  t.equal(facts('geo/a')?.lackingSinceMs, undefined);
});

t.test('who is wanted no more is forgotten', async (t) => {
  const { want, again, facts } = lookupOf(t);
  want([subscriptionOf('a'), subscriptionOf('b')]);
  await again();
  want([subscriptionOf('b')]);
  t.equal(facts('geo/a'), undefined);
  t.ok(facts('geo/b'));
});
