import fc from 'fast-check';
import t from 'tap';
import { asleep, autoscale, replicasFor } from '../../../cli/runtime/autoscale.ts';
import type { Observation, ScaleState } from '../../../cli/runtime/autoscale.ts';
import type { ScaleSettings } from '../../../core/contract/subscription.ts';

const settings: ScaleSettings = {
  minReplicaCount: 0,
  maxReplicaCount: 10,
  lagThreshold: 10,
  activationLagThreshold: 0,
  pollingIntervalSeconds: 10,
  cooldownPeriodSeconds: 30,
};

const anySettings = fc
  .record({
    minReplicaCount: fc.integer({ min: 0, max: 5 }),
    more: fc.integer({ min: 1, max: 20 }),
    lagThreshold: fc.integer({ min: 1, max: 100 }),
    cooldownPeriodSeconds: fc.integer({ min: 0, max: 60 }),
  })
  .map(({ more, ...rest }) => ({ ...settings, ...rest, maxReplicaCount: rest.minReplicaCount + more }));

const anyObservation = fc.record({
  afterMs: fc.integer({ min: 1, max: 40_000 }),
  metric: fc.option(fc.bigInt({ min: 0n, max: 5000n }), { nil: undefined }),
  active: fc.boolean(),
});

interface Step {
  before: ScaleState;
  after: ScaleState;
  seen: Observation;
}

/** Every step of a function's life under these observations. */
function stepsOf(scale: ScaleSettings, seen: (Omit<Observation, 'nowMs'> & { afterMs: number })[]): Step[] {
  let state = asleep;
  let nowMs = 0;
  return seen.map(({ afterMs, ...observation }) => {
    nowMs += afterMs;
    const before = state;
    const at = { ...observation, nowMs };
    state = autoscale(scale, before, at);
    return { before, after: state, seen: at };
  });
}

function always(check: (scale: ScaleSettings, step: Step) => boolean | void): void {
  fc.assert(
    fc.property(anySettings, fc.array(anyObservation, { maxLength: 40 }), (scale, seen) =>
      stepsOf(scale, seen).every((step) => check(scale, step) ?? true),
    ),
    { numRuns: 500 },
  );
}

t.test('replicas are within their limits', async () => {
  always((scale, { after }) => {
    const lowest = Math.max(1, scale.minReplicaCount);
    const highest = Math.max(lowest, scale.maxReplicaCount);
    const { replicas } = after;
    return Number.isInteger(replicas) && replicas >= scale.minReplicaCount && replicas <= highest;
  });
});

t.test('nothing that is active sleeps', async () => {
  always((_scale, { after, seen }) => !seen.active || after.replicas > 0);
});

t.test('only activity wakes, and to the first replicas only', async () => {
  always((scale, { before, after, seen }) => {
    if (before.replicas > 0 || after.replicas === scale.minReplicaCount) return true;
    return seen.active && after.replicas === Math.max(1, scale.minReplicaCount);
  });
});

t.test('a metric is met at once, up to the limits', async () => {
  always((scale, { before, after, seen }) => {
    if (before.replicas === 0 || after.replicas === 0 || seen.metric === undefined) return true;
    return after.replicas >= Math.min(scale.maxReplicaCount, replicasFor(seen.metric, scale.lagThreshold));
  });
});

t.test('no replica is taken away before the cooldown period is over', async () => {
  always((scale, { before, after, seen }) => {
    if (after.replicas >= before.replicas) return true;
    const needed = before.recommended.filter(
      ({ atMs }) => seen.nowMs - atMs < scale.cooldownPeriodSeconds * 1000,
    );
    return needed.every(({ replicas }) => replicas <= after.replicas) || after.replicas === 0;
  });
});

t.test('sleep follows the cooldown period, counted from the last activity', async () => {
  always((scale, { before, after, seen }) => {
    if (before.replicas === 0 || after.replicas > 0) return true;
    const idleMs = seen.nowMs - before.lastActiveMs;
    return !seen.active && scale.minReplicaCount === 0 && idleMs >= scale.cooldownPeriodSeconds * 1000;
  });
});

t.test('an unknown metric changes nothing but what a push wakes', async () => {
  always((scale, { before, after, seen }) => {
    if (seen.metric !== undefined || seen.active || before.replicas === 0) return true;
    return after.replicas === before.replicas;
  });
});

t.test('a day of a function', async (t) => {
  const at = (seconds: number, metric: bigint, active = metric > 0n): Observation => ({
    nowMs: seconds * 1000,
    metric,
    active,
  });
  const day: [Observation, number, string][] = [
    [at(0, 0n), 0, 'nothing to do'],
    [at(1, 95n), 1, 'one wakes first'],
    [at(2, 95n), 10, 'then as many as the backlog asks for'],
    [at(3, 31n), 10, 'less to do: not at once fewer'],
    [at(31.5, 31n), 10, 'the high recommendation still counts'],
    [at(32.5, 31n), 4, 'and no longer'],
    [at(40, 0n), 4, 'nothing to do: the cooldown begins'],
    [at(62.4, 0n), 4, 'and goes on'],
    [at(62.5, 0n), 0, 'thirty seconds after the last activity it sleeps'],
    [at(70, 3n), 1, 'and wakes again'],
  ];
  let state = asleep;
  for (const [observation, replicas, what] of day) {
    state = autoscale(settings, state, observation);
    t.equal(state.replicas, replicas, what);
  }
});
