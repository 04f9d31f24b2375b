import t, { type Test } from 'tap';
import { createKafkaPoll } from '../../controller/kafka-poll.ts';
import { graceMs } from '../../controller/plan/conditions/source-condition.ts';
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
    delayMs: { unready: 1, ready: 1, stuck: 1 },
    now: () => world.nowMs,
  });
  t.teardown(() => poll.stop());
  /** Resolves after two more polls: the second one began after this call. */
  const again = async (): Promise<void> => {
    const before = world.polls;
    await until(() => world.polls >= before + 2);
  };
  return { world, again, poll };
}

t.test('an unchanged state is not reported again, except once when the grace period ends', async (t) => {
  const { world, poll, again } = startPoll(t);
  poll.set(subscriptionOf('a'));
  await again();
  t.strictSame(world.changes, ['geo/a']);
  t.equal(poll.state('geo/a')?.unreadySinceMs, 1_000_000, 'nobody is in the group');
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
  t.equal(poll.state('geo/a')?.unreadySinceMs, undefined);
});

t.test('a trigger that is no longer polled is forgotten', async (t) => {
  const { poll, again } = startPoll(t);
  for (const name of ['a', 'b']) poll.set(subscriptionOf(name));
  await again();
  poll.delete('geo/a');
  t.equal(poll.state('geo/a'), undefined);
  t.ok(poll.state('geo/b'));
});

t.test('one KafkaCluster that does not answer holds up no other', async (t) => {
  const asked: string[] = [];
  const changes: string[] = [];
  const hung = Promise.withResolvers<never>();
  const poll = createKafkaPoll({
    kafka: {
      read: async (queries) => {
        asked.push(queries.map(({ group }) => group).join());
        if (queries[0]?.access?.brokers[0] === 'hung:1') return hung.promise;
        return queries.map(() => ({ kind: 'read', partitions: [partition] }));
      },
      readGroups: async (queries) => queries.map(() => nobody),
    },
    backlog: async () => 0n,
    onChange: (key) => changes.push(key),
    delayMs: { unready: 1, ready: 1, stuck: 1 },
  });
  const at = (name: string, brokers: string) =>
    subscriptionOf(name, { source: { access: { brokers: [brokers], namespace: 'geo' } } });
  const [hanging, moved] = [at('hung', 'hung:1'), at('well', 'other:1')];
  for (const one of [hanging, at('well', 'well:1')]) poll.set(one);
  await until(() => asked.filter((group) => group === 'millrace.geo.well').length > 2);
  t.strictSame(changes, ['geo/well']);
  t.equal(asked.filter((group) => group === 'millrace.geo.hung').length, 1, 'one poll of it is in progress');
  poll.set(moved);
  t.ok(poll.state('geo/well'), 'what was found is kept when the KafkaCluster changes');
  hung.reject(new Error('it is away'));
  await until(() => changes.includes('geo/hung'));
  t.match(poll.state('geo/hung')?.source, { kind: 'failed', message: 'it is away' });
  await poll.stop();
});

t.test('only triggers that are due are polled', async (t) => {
  const asked: string[][] = [];
  const ready = new Set(['millrace.geo.ready']);
  const member = { clientId: 'g', partitions: new Map([['earthquakes', [0]]]) };
  const poll = createKafkaPoll({
    kafka: {
      read: async (queries) => {
        asked.push(queries.map(({ group }) => group));
        return queries.map(() => ({ kind: 'read', partitions: [partition] }));
      },
      readGroups: async (queries) =>
        queries.map(({ group }) => ({
          kind: 'read',
          rebalancing: false,
          members: ready.has(group) ? [member] : [],
        })),
    },
    backlog: async () => 0n,
    onChange: () => undefined,
    delayMs: { unready: 1, ready: 600_000, stuck: 1 },
  });
  t.teardown(() => poll.stop());
  for (const name of ['ready', 'waiting']) poll.set(subscriptionOf(name));
  await until(() => asked.length > 2);
  t.strictSame(asked.slice(0, 3), [
    ['millrace.geo.ready', 'millrace.geo.waiting'],
    ['millrace.geo.waiting'],
    ['millrace.geo.waiting'],
  ]);
});
