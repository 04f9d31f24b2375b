// Seed → scenario. Pure: the same seed gives the same scenario on every machine.
import { bounds } from '../bounds.ts';
import { createRandom, type Random } from '../../fixtures/seeded-random.ts';
import {
  faultNames,
  type DeadLetterFault,
  type Fault,
  type GroupProtocol,
  type NetworkFault,
  type NetworkEffect,
  type PartFault,
  type Scenario,
  type Shape,
  type Step,
  type Track,
} from './scenario.ts';

type Draw = (random: Random, shape: Shape) => Fault;

const short = (random: Random): number => random.between(1_000, 4_000, 500);
/** Either well within the session timeout or past it. What happens in between depends on chance. */
const pause = (random: Random): number =>
  random.chance(0.5)
    ? random.between(1_000, 3_000, 500)
    : bounds.pastSessionMs + random.between(0, 2_000, 500);

const effects: readonly NetworkEffect[] = ['delay', 'stall', 'cut', 'half-close', 'refuse'];

function net(kind: NetworkFault['kind'], forMs: (random: Random) => number): Draw {
  return (random, { gateways }) => ({
    kind,
    effect: random.pick(effects),
    direction: random.pick(['up', 'down', 'both'] as const),
    gateway: random.chance(0.5) ? 'all' : random.between(0, gateways - 1),
    forMs: forMs(random),
  });
}

const brokerDraws: readonly Draw[] = [
  (random) => ({ kind: 'broker-kill', broker: role(random), forMs: random.between(0, 3_000, 500) }),
  (random) => ({ kind: 'broker-kill', broker: role(random), forMs: random.between(0, 3_000, 500) }),
  (random) => ({ kind: 'broker-pause', broker: role(random), forMs: random.between(4_000, 6_000, 500) }),
  () => ({ kind: 'broker-rolling-restart' }),
  () => ({ kind: 'leader-move' }),
  () => ({ kind: 'coordinator-move' }),
  (random) => ({ kind: 'kafka-outage', forMs: pause(random) }),
  (random) => ({
    kind: 'min-isr-loss',
    of: random.pick(['source', 'offsets'] as const),
    forMs: short(random),
  }),
];

const gatewayDraws: readonly Draw[] = [
  () => ({ kind: 'gateway-rolling-restart' }),
  (random, { gateways }) => ({
    kind: 'gateway-kill',
    gateway: random.between(0, gateways - 1),
    forMs: random.between(0, 3_000, 500),
  }),
  (random, { gateways }) => ({
    kind: 'gateway-pause',
    gateway: random.between(0, gateways - 1),
    forMs: pause(random),
  }),
  (random, { gateways }) =>
    gateways < 3
      ? { kind: 'gateway-join', forMs: random.between(4_000, 8_000, 500) }
      : { kind: 'gateway-rolling-restart' },
];

const functionDraws: readonly Draw[] = [
  ...([429, 500, 503] as const).map((status): Draw => (random) => ({
    kind: 'function-answers',
    status,
    forMs: short(random),
  })),
  ...(
    [
      'function-hang',
      'function-slow',
      'function-late',
      'function-reset',
      'function-crash',
      'function-scale-down',
      'function-away',
    ] as const
  ).map((kind): Draw => (random) => ({ kind, forMs: short(random) })),
];

const deadLetterKinds: readonly DeadLetterFault['kind'][] = [
  'dead-letter-too-small',
  'dead-letter-unauthorised',
  'dead-letter-full',
];
const deadLetterDraws: readonly Draw[] = deadLetterKinds.map((kind): Draw => (random) => ({
  kind,
  forMs: short(random),
}));

/** For each track: the probability that it has faults, how many it has at most, and which. */
const tracks: Record<Track, { probability: number; most: number; draws: readonly Draw[] }> = {
  kafka: { probability: 0.55, most: 2, draws: brokerDraws },
  gateways: { probability: 0.65, most: 2, draws: gatewayDraws },
  function: { probability: 0.6, most: 3, draws: functionDraws },
  'dead letter': { probability: 0.5, most: 1, draws: deadLetterDraws },
  'Kafka network': { probability: 0.3, most: 2, draws: [net('kafka-network', pause)] },
  'function network': { probability: 0.35, most: 2, draws: [net('function-network', short)] },
};

/** Half of the seeds run with each protocol, unless one is given. */
export function generateScenario(
  seed: number,
  groupProtocol: GroupProtocol = seed % 2 === 0 ? 'consumer' : 'classic',
): Scenario {
  const random = createRandom(seed);
  const shape = { groupProtocol, ...drawShape(random) };
  const drawn: Scenario['tracks'] = [];
  while (drawn.length === 0) {
    for (const track of Object.keys(tracks) as Track[]) {
      const steps = drawSteps(random, shape, track);
      if (steps.length > 0) drawn.push({ track, steps });
    }
  }
  // Drawn last: what a seed drew before there were such faults is the same still.
  const part = random.chance(partProbability) ? drawPart(random, shape) : undefined;
  return { seed, shape, tracks: drawn, ...(part === undefined ? {} : { part }) };
}

const partProbability = 0.6;

function drawPart(random: Random, { gateways }: Shape): PartFault {
  const during = {
    forMs: random.between(14_000, 18_000, 500),
    rebalance: gateways === 3 || (gateways > 1 && random.chance(0.5)) ? 'restart' : 'join',
  } as const;
  const kind = random.pick([
    'topic-leaderless',
    'topic-unauthorised',
    'topic-recreated',
    'broker-hang',
    'broker-slow',
    'client-throttled',
  ] as const);
  if (kind === 'topic-leaderless') return { kind, ...during, brokerId: random.between(1, 3) };
  if (kind === 'broker-slow') return { kind, ...during, broker: role(random) };
  return { kind, ...during };
}

function drawShape(random: Random): Omit<Shape, 'groupProtocol'> {
  const deadLetter = random.chance(0.7);
  return {
    ordering: random.pick(['partition', 'key', 'key', 'none'] as const),
    contentMode: random.chance(0.7) ? 'binary' : 'batched',
    partitions: random.pick([3, 6, 12]),
    gateways: random.pick([1, 2, 2, 3]),
    retry: deadLetter ? random.pick([2, 5, 10]) : random.pick([-1, 3]),
    timeoutMs: 2_000,
    concurrency: random.pick([4, 8, 32]),
    deadLetter,
    filters: random.chance(0.5),
    answerMs: random.pick([0, 2, 5, 20]),
    load: {
      keys: random.pick([5, 30, 200]),
      perRequest: random.pick([5, 10, 20]),
      pauseMs: random.pick([20, 40]),
    },
  };
}

function drawSteps(random: Random, shape: Shape, track: Track): Step[] {
  const { probability, most, draws } = tracks[track];
  if (!random.chance(probability) || (track === 'dead letter' && !shape.deadLetter)) return [];
  const steps: Step[] = [];
  const count = random.between(1, most);
  if (track === 'dead letter' && random.chance(0.3)) {
    // The oracle reads dead letters as evidence. The topic may therefore be missing only at the beginning.
    steps.push({
      afterMs: 0,
      fault: { kind: 'dead-letter-missing', forMs: random.between(2_000, 6_000, 500) },
    });
  }
  while (steps.length < count) {
    const fault = random.pick(draws)(random, shape);
    steps.push({ afterMs: random.between(500, 3_000, 100), fault });
  }
  return steps;
}

/** Every kind of fault that some seed draws. */
export function everyFaultName(): Set<string> {
  const names = new Set<string>();
  for (let seed = 1; seed <= 2_000; seed += 1) {
    for (const name of faultNames(generateScenario(seed))) names.add(name);
  }
  return names;
}

function role(random: Random): 'leader' | 'coordinator' | 'controller' {
  return random.pick(['leader', 'coordinator', 'controller'] as const);
}
