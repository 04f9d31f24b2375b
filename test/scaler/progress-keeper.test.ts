// When the progress of a trigger is kept; that it then outlives the brokers' retention: test/core/kafka/offsets/keep-offsets.test.ts.
import t from 'tap';
import { MillraceError } from '../../core/contract/errors.ts';
import type { KeepOutcome } from '../../core/kafka/offsets/keep-offsets.ts';
import type { ClustersReader } from '../../core/kafka/offsets/offsets-of-clusters.ts';
import { ProgressKeeper } from '../../scaler/progress-keeper.ts';
import { subscriptionOf } from '../fixtures/subscription.ts';
import { until } from './fixtures/until.ts';

type States = Awaited<ReturnType<ClustersReader['readGroups']>>;
const nobody: States[number] = { kind: 'read', rebalancing: false, members: [] };
const somebody: States[number] = { ...nobody, members: [{ clientId: 'gateway', partitions: new Map() }] };
const unknown: States[number] = {
  kind: 'failed',
  error: new MillraceError('MILLRACE_KAFKA_FAILED', 'other kind'),
};

function start(t: { teardown(end: () => void): void }, states: Record<string, States[number]>) {
  const asked: [group: string, known: string | undefined][] = [];
  const told: [key: string, code: string | undefined][] = [];
  const world = {
    asked,
    told,
    outcome: { kind: 'kept', text: 'orders-0 5 mark' } as KeepOutcome,
    triggers: Object.keys(states).map((name) => subscriptionOf(name)),
  };
  const groupOf = (name: string) => subscriptionOf(name).source.consumerGroup;
  const byGroup = new Map(Object.entries(states).map(([name, state]) => [groupOf(name), state]));
  const keeper = new ProgressKeeper({
    triggers: { all: () => world.triggers },
    offsets: {
      readGroups: (queries) => Promise.resolve(queries.map(({ group }) => byGroup.get(group)!)),
      keep: ({ group }, known) => {
        asked.push([group, known]);
        return Promise.resolve(world.outcome);
      },
    },
    onKept: (key, error) => void told.push([key, error?.code]),
    roundMs: 10,
  });
  t.teardown(() => keeper.close());
  return Object.assign(world, { groupOf });
}

t.test(
  'of groups that nobody is in, or of which that is not known; and again only what is new',
  async (t) => {
    const world = start(t, {
      idle: nobody,
      busy: somebody,
      joining: { ...nobody, rebalancing: true },
      unknown,
    });
    await until(() => world.asked.length >= 6);
    const [idle, other] = [world.groupOf('idle'), world.groupOf('unknown')];
    t.strictSame(world.asked.slice(0, 2), [
      [idle, undefined],
      [other, undefined],
    ]);
    t.strictSame(world.asked.slice(2, 4), [
      [idle, 'orders-0 5 mark'],
      [other, 'orders-0 5 mark'],
    ]);
    world.outcome = { kind: 'in use' };
    await until(() => world.asked.at(-1)?.[1] === undefined);
    t.ok(world.told.every(([, code]) => code === undefined));
  },
);

t.test('why it cannot be kept is told; a trigger that is gone is forgotten', async (t) => {
  const world = start(t, { idle: nobody });
  await until(() => world.told.length > 0);
  world.outcome = { kind: 'failed', error: new MillraceError('MILLRACE_KAFKA_FORBIDDEN', 'no right') };
  await until(() => world.told.at(-1)?.[1] === 'MILLRACE_KAFKA_FORBIDDEN');
  const { triggers } = world;
  world.triggers = [];
  const count = world.asked.length;
  await until(() => world.told.length > 0);
  world.outcome = { kind: 'nothing' };
  world.triggers = triggers;
  await until(() => world.asked.length > count + 1);
  t.equal(world.told.at(-1)?.[1], undefined);
});
