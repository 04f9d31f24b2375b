// A seed means one scenario, and only scenarios that can be played.
import t from 'tap';
import { everyFaultName, generateScenario } from './generate.ts';
import { createRandom } from './random.ts';
import { describeScenario } from './scenario.ts';

const seeds = Array.from({ length: 500 }, (_, index) => index + 1);

t.test('the same seed, the same scenario', async (t) => {
  t.strictSame(seeds.map(generateScenario), seeds.map(generateScenario));
  const printed = new Set(seeds.map((seed) => describeScenario(generateScenario(seed)).slice(1).join('\n')));
  t.ok(printed.size > 480, 'and others for others');
});

t.test('what is drawn can be played', async (t) => {
  const unplayable = seeds.map(generateScenario).filter(({ shape, tracks }) => {
    const isPlayable = tracks.every(
      ({ track, steps }) =>
        steps.length > 0 &&
        (track !== 'dead letter' || shape.deadLetter) &&
        steps.every(({ afterMs, fault }, index) => {
          if (afterMs < 0 || afterMs > 3_000) return false;
          // What is dead-lettered is evidence: the topic is missing from the beginning, or not at all.
          if (fault.kind === 'dead-letter-missing') return index === 0;
          if (fault.kind === 'gateway-kill') return fault.gateway < shape.gateways;
          return fault.kind !== 'gateway-join' || shape.gateways < 3;
        }),
    );
    return tracks.length === 0 || !isPlayable;
  });
  t.strictSame(unplayable, []);
});

t.test('printed, with every step', async (t) => {
  const scenario = generateScenario(1);
  const steps = scenario.tracks.flatMap((track) => track.steps);
  const lines = describeScenario(scenario);
  t.equal(lines.length, 1 + steps.length);
  t.match(lines[0], /^seed 1: (partition|key|none) (binary|batched), /);
  t.match(lines[1], / \+\d\.\d s {2}[a-z-]+/);
});

t.test('all that the issue asks for is among the faults', async (t) => {
  const names = everyFaultName();
  const wanted = [
    ...['broker-kill leader', 'broker-pause coordinator', 'broker-kill controller', 'broker-rolling-restart'],
    ...['leader-move', 'coordinator-move', 'min-isr-loss source', 'min-isr-loss offsets', 'kafka-outage'],
    ...['gateway-rolling-restart', 'gateway-kill', 'gateway-pause', 'gateway-pause past the session'],
    ...['function-crash', 'function-hang', 'function-reset', 'function-scale-down', 'function-away'],
    ...['dead-letter-missing', 'dead-letter-unauthorised', 'dead-letter-full', 'dead-letter-too-small'],
    ...['kafka-net stall', 'kafka-net delay', 'kafka-net cut', 'kafka-net half-close'],
    ...['function-net stall', 'function-net delay', 'function-net cut', 'function-net half-close'],
  ];
  t.strictSame(
    wanted.filter((name) => !names.has(name)),
    [],
  );
});

t.test('chance', async (t) => {
  const random = createRandom(7);
  const draws = Array.from({ length: 1_000 }, () => random.between(1, 3));
  t.strictSame([...new Set(draws)].sort(), [1, 2, 3]);
  t.ok(Array.from({ length: 100 }, () => random.between(500, 3_000, 500)).every((one) => one % 500 === 0));
  t.strictSame(new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b']))).size, 2);
  t.notOk(random.chance(0));
  t.ok(random.chance(1));
});
