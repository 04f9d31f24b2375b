import t from 'tap';
import type { Test } from 'tap';
import { Autoscaler } from '../../../cli/runtime/autoscaler.ts';
import type { Subscription } from '../../../core/contract/subscription.ts';
import { subscriptionOf } from './fixtures/subscription.ts';

interface World {
  backlog: bigint | Error;
  /** Where it is not the backlog. */
  metric?: bigint;
  push: () => void;
  scaledTo: number[];
  autoscaler: Autoscaler;
}

/** An autoscaler over a backlog that the test sets; it polls only when the test says so. */
async function worldOf(t: Test, subscription: Subscription): Promise<World> {
  const listeners = new Set<() => void>();
  const scaledTo: number[] = [];
  const read = async (): Promise<bigint> => {
    if (world.backlog instanceof Error) throw world.backlog;
    return world.backlog;
  };
  const world = { backlog: 0n, push: () => listeners.forEach((listen) => listen()), scaledTo } as World;
  world.autoscaler = new Autoscaler({
    subscription,
    demand: {
      backlog: read,
      metric: async () => world.metric ?? (await read()),
      isActive: async () => (await read()) > 0n,
      onActive(_key, listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    scaleTo: (replicas) => scaledTo.push(replicas),
    pollIntervalMs: 60_000,
  });
  t.teardown(() => world.autoscaler.stop());
  await world.autoscaler.poll();
  return world;
}

t.test('a push wakes at once, the next poll scales', async (t) => {
  const world = await worldOf(t, subscriptionOf('one'));
  t.strictSame(world.scaledTo, []);
  world.backlog = 35n;
  world.push();
  t.strictSame(world.scaledTo, [1]);
  await world.autoscaler.poll();
  t.strictSame(world.scaledTo, [1, 4]);
  t.equal(world.autoscaler.backlog, 35n);
});

t.test('without a push, a poll wakes', async (t) => {
  const world = await worldOf(t, subscriptionOf('one'));
  world.backlog = 1n;
  await world.autoscaler.poll();
  t.strictSame(world.scaledTo, [1]);
});

t.test('an unknown backlog is not zero', async (t) => {
  const subscription = subscriptionOf('one');
  const scale = { ...subscription.scale, cooldownPeriodSeconds: 0 };
  const world = await worldOf(t, { ...subscription, scale });
  world.backlog = 25n;
  await world.autoscaler.poll();
  await world.autoscaler.poll();
  world.backlog = new Error('broker away');
  await world.autoscaler.poll();
  t.strictSame(world.scaledTo, [1, 3]);
  t.equal(world.autoscaler.backlog, undefined);
  world.backlog = 0n;
  await world.autoscaler.poll();
  t.strictSame(world.scaledTo, [1, 3, 0]);
});

t.test('the metric scales, the backlog is shown', async (t) => {
  const world = await worldOf(t, subscriptionOf('one'));
  world.backlog = 1000n;
  world.metric = 30n;
  await world.autoscaler.poll();
  await world.autoscaler.poll();
  t.strictSame(world.scaledTo, [1, 3]);
  t.equal(world.autoscaler.backlog, 1000n);
});

t.test('minReplicaCount runs without any backlog', async (t) => {
  const subscription = subscriptionOf('one');
  const world = await worldOf(t, { ...subscription, scale: { ...subscription.scale, minReplicaCount: 2 } });
  t.strictSame(world.scaledTo, [2]);
});

t.test('nothing happens after stop', async (t) => {
  const world = await worldOf(t, subscriptionOf('one'));
  world.autoscaler.stop();
  world.backlog = 5n;
  world.push();
  await world.autoscaler.poll();
  t.strictSame(world.scaledTo, []);
});
