// Each seed gives one scenario, and only a scenario that can be run.
import t from 'tap';
import { everyFaultName, generateScenario } from './generate-scenario.ts';
import { createRandom } from '../../fixtures/seeded-random.ts';
import { describeScenario } from './scenario.ts';

const seeds = Array.from({ length: 500 }, (_, index) => index + 1);

t.test('the same seed generates the same scenario', async (t) => {
  t.strictSame(
    seeds.map((seed) => generateScenario(seed)),
    seeds.map((seed) => generateScenario(seed)),
  );
  const printed = new Set(seeds.map((seed) => describeScenario(generateScenario(seed)).slice(1).join('\n')));
  t.ok(printed.size > 480, 'other seeds generate other scenarios');
});

t.test('every generated scenario can be run', async (t) => {
  const unrunnable = seeds
    .map((seed) => generateScenario(seed))
    .filter(({ shape, tracks, part }) => {
      const isRunnable = tracks.every(
        ({ track, steps }) =>
          steps.length > 0 &&
          (track !== 'dead letter' || shape.deadLetter) &&
          steps.every(({ afterMs, fault }, index) => {
            if (afterMs < 0 || afterMs > 3_000) return false;
            // The oracle reads dead letters as evidence: the topic is missing from the beginning or never.
            if (fault.kind === 'dead-letter-missing') return index === 0;
            if (fault.kind === 'gateway-kill') return fault.gateway < shape.gateways;
            return fault.kind !== 'gateway-join' || shape.gateways < 3;
          }),
      );
      const isWithGateways =
        part === undefined || (part.rebalance === 'join' ? shape.gateways < 3 : shape.gateways > 1);
      return tracks.length === 0 || !isRunnable || !isWithGateways;
    });
  t.strictSame(unrunnable, []);
});

t.test('describeScenario prints every step', async (t) => {
  const scenario = generateScenario(1);
  const steps = scenario.tracks.flatMap((track) => track.steps);
  const lines = describeScenario(scenario);
  t.equal(lines.length, 1 + steps.length + (scenario.part === undefined ? 0 : 1));
  t.match(lines[0], /^seed 1: (partition|key|none) (binary|batched), /);
  t.match(lines[1], / \+\d\.\d s {2}[a-z-]+/);
});

t.test('the generator draws every required kind of fault', async (t) => {
  const names = everyFaultName();
  const wanted = [
    ...['broker-kill leader', 'broker-pause coordinator', 'broker-kill controller', 'broker-rolling-restart'],
    ...['leader-move', 'coordinator-move', 'min-isr-loss source', 'min-isr-loss offsets', 'kafka-outage'],
    ...['gateway-rolling-restart', 'gateway-kill', 'gateway-pause', 'gateway-pause past the session'],
    ...['function-crash', 'function-hang', 'function-reset', 'function-scale-down', 'function-away'],
    ...['dead-letter-missing', 'dead-letter-unauthorised', 'dead-letter-full', 'dead-letter-too-small'],
    ...['topic-leaderless', 'topic-unauthorised', 'topic-recreated'],
    ...['broker-hang', 'broker-slow', 'client-throttled'],
    ...['kafka-network stall', 'kafka-network delay', 'kafka-network cut', 'kafka-network half-close'],
    ...[
      'function-network stall',
      'function-network delay',
      'function-network cut',
      'function-network half-close',
    ],
  ];
  t.strictSame(
    wanted.filter((name) => !names.has(name)),
    [],
  );
});

t.test('createRandom draws every value between its bounds', async (t) => {
  const random = createRandom(7);
  const draws = Array.from({ length: 1_000 }, () => random.between(1, 3));
  t.strictSame([...new Set(draws)].sort(), [1, 2, 3]);
  t.ok(Array.from({ length: 100 }, () => random.between(500, 3_000, 500)).every((one) => one % 500 === 0));
  t.strictSame(new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b']))).size, 2);
  t.notOk(random.chance(0));
  t.ok(random.chance(1));
});
