import { mock } from 'node:test';
import t from 'tap';
import { createDrainTargets } from '../../../scaler/activation/drain-target.ts';
import { createWantedTriggers } from '../../../scaler/wanted-triggers.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';

const targeted = subscriptionOf('a', { scale: { targetDrainMs: 20_000, lagThreshold: 10 } });
const plain = subscriptionOf('b');

t.test('asks for replicas that settle the backlog in time, once their speed is known', async (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  t.teardown(() => mock.timers.reset());
  const triggers = createWantedTriggers();
  let settled = 0n;
  let polls = 0;
  const targets = createDrainTargets({
    triggers,
    // One of them has no lane to work on.
    replicas: (key) => (key === 'geo/a' ? 3 : undefined),
    measure(key) {
      polls += 1;
      const backlog = { records: 9_999n, movable: 9_999n, lanes: 2n, partitions: 3, settled };
      for (const observed of [key, 'geo/b']) targets.observe(observed, backlog);
      settled += 500n;
      return polls === 2 ? Promise.reject(new Error('away')) : Promise.resolve();
    },
  });
  mock.timers.tick(20_000);
  t.equal(polls, 0, 'no trigger has a targetDrainTime');
  triggers.replace([targeted, plain]);
  t.equal(targets.metricFor(targeted, 100n), 100n, 'not known yet: lagThreshold');
  for (let seconds = 0; seconds < 20; seconds += 1) mock.timers.tick(1_000);
  t.equal(polls, 4);
  // 50 records per second and replica, in steps of ten per cent: 1,000 in 20 s.
  const replicas = Number(targets.metricFor(targeted, 10_000n)) / targeted.scale.lagThreshold;
  t.ok(replicas > 9 && replicas < 11, `${replicas} replicas`);
  t.equal(targets.metricFor(plain, 10_000n), 10_000n);
  t.equal(targets.metricFor(targeted, 0n), 0n);
  triggers.replace([plain]);
  mock.timers.tick(10_000);
  t.equal(polls, 4);
  t.equal(targets.metricFor(targeted, 100n), 100n, 'and forgotten');
  mock.timers.tick(60_000);
  t.equal(polls, 4, 'nobody is asked about any more');
  targets.close();
});

t.test('a trigger that gets a targetDrainTime, and loses it, and what was there before', async (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  t.teardown(() => mock.timers.reset());
  const triggers = createWantedTriggers();
  triggers.replace([targeted]);
  const asked: string[] = [];
  const measure = (key: string) => Promise.resolve(asked.push(key));
  const targets = createDrainTargets({ triggers, replicas: () => 1, measure });
  mock.timers.tick(5_000);
  t.strictSame(asked, ['geo/a']);
  triggers.replace([subscriptionOf('a'), subscriptionOf('b', { scale: { targetDrainMs: 1_000 } })]);
  mock.timers.tick(5_000);
  t.strictSame(asked, ['geo/a', 'geo/b']);
  targets.close();
  mock.timers.tick(60_000);
  t.equal(asked.length, 2);
});
