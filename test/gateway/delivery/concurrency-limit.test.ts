import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { ConcurrencyLimit } from '../../../gateway/delivery/concurrency-limit.ts';
import type { HealthSignal } from '../../../gateway/delivery/health-signal.ts';

t.setTimeout(120_000);

/** A generator of numbers in [0, 1), the same for the same seed: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Server {
  /** Requests at work at a time; others wait, first come first served. */
  workers: number;
  /** How long the work takes, in ms. */
  work: (random: () => number) => number;
  /** More requests than these, waiting and at work, are refused with 503 after 1 ms. */
  most?: number;
}

interface Request {
  readonly sentMs: number;
  readonly endMs: number;
  readonly inFlight: number;
  readonly sign: HealthSignal;
}

/** An endpoint without a network, and a gateway that always has more requests than the endpoint takes, unless `offered` limits them. */
class Simulation {
  readonly limit: ConcurrencyLimit;
  readonly server: Server;
  readonly #random: () => number;
  readonly #freeMs: number[] = [];
  readonly #underWay: Request[] = [];
  offered = Infinity;
  nowMs = 0;
  served = 0;
  refused = 0;
  latencySumMs = 0;
  workSumMs = 0;
  begun = 0;
  highest = 0;

  constructor(server: Server, max: number, seed: number, min = 1) {
    this.server = server;
    this.limit = new ConcurrencyLimit({ min, max });
    this.#random = randomFrom(seed);
  }

  /** Runs until this many requests have ended. All sums start from 0. */
  run(requests: number): { throughput: number; latency: number; refused: number } {
    Object.assign(this, {
      served: 0,
      refused: 0,
      latencySumMs: 0,
      workSumMs: 0,
      begun: 0,
      highest: 0,
    });
    const fromMs = this.nowMs;
    for (let count = 0; count < requests; count += 1) {
      while (this.#underWay.length < Math.min(this.offered, this.limit.current)) this.#send();
      this.#end();
    }
    const meanMs = this.workSumMs / this.begun;
    const workers = Math.min(this.server.workers, this.offered);
    return {
      throughput: (this.served * meanMs) / (this.nowMs - fromMs) / workers,
      latency: this.latencySumMs / this.served / meanMs,
      refused: this.refused / requests,
    };
  }

  #send(): void {
    const inFlight = this.#underWay.length + 1;
    const { workers, work, most = Infinity } = this.server;
    let request: Request;
    if (inFlight > most) {
      request = { sentMs: this.nowMs, endMs: this.nowMs + 1, inFlight, sign: 'failing' };
    } else {
      this.#freeMs.length = workers;
      let first = 0;
      for (let index = 0; index < workers; index += 1) {
        if ((this.#freeMs[index] ?? 0) < (this.#freeMs[first] ?? 0)) first = index;
      }
      const workMs = work(this.#random);
      this.workSumMs += workMs;
      this.begun += 1;
      const endMs = Math.max(this.nowMs, this.#freeMs[first] ?? 0) + workMs;
      this.#freeMs[first] = endMs;
      request = { sentMs: this.nowMs, endMs, inFlight, sign: 'served' };
    }
    const after = this.#underWay.findIndex(({ endMs }) => endMs > request.endMs);
    this.#underWay.splice(after === -1 ? this.#underWay.length : after, 0, request);
  }

  #end(): void {
    const { sentMs, endMs, inFlight, sign } = this.#underWay.shift()!;
    this.nowMs = endMs;
    if (sign === 'served') {
      this.served += 1;
      this.latencySumMs += endMs - sentMs;
    } else {
      this.refused += 1;
    }
    this.limit.learn(sign, endMs - sentMs, inFlight, endMs);
    this.highest = Math.max(this.highest, this.limit.current);
  }
}

const works: Record<string, Server['work']> = {
  'always 10 ms': () => 10,
  '5 to 15 ms': (random) => 5 + 10 * random(),
  'exponential, 10 ms on average': (random) => -10 * Math.log(1 - random()),
  'one in ten eleven times as long': (random) => (random() < 0.9 ? 5 : 55),
  'one in a hundred 26 times as long': (random) => (random() < 0.99 ? 8 : 208),
};
for (const [name, work] of Object.entries(works)) {
  t.test(`it finds what a server takes, ${name}`, async (t) => {
    for (const workers of [1, 2, 4, 8, 16, 40, 64]) {
      for (const seed of [1, 2, 3]) {
        const simulation = new Simulation({ workers, work }, 100, seed);
        simulation.run(10_000);
        const { throughput, latency } = simulation.run(10_000);
        const what = `${workers} workers, seed ${seed}: ${throughput.toFixed(2)} of the capacity, ${latency.toFixed(2)} × the work`;
        t.ok(throughput >= 0.9 && latency <= 2, what);
      }
    }
  });
}

t.test('a server that sheds what is too much is seldom asked for more', async (t) => {
  for (const workers of [4, 16, 40]) {
    const simulation = new Simulation({ workers, work: () => 10, most: workers }, 100, 1);
    simulation.run(5_000);
    const { throughput, refused } = simulation.run(10_000);
    t.ok(throughput >= 0.8, `${workers}: ${throughput.toFixed(2)} of the capacity`);
    t.ok(refused < 0.05, `${workers}: ${refused.toFixed(3)} refused`);
  }
});

t.test('a server that got slower for good, or faster, is learned anew', async (t) => {
  const simulation = new Simulation({ workers: 16, work: (random) => 5 + 10 * random() }, 100, 5);
  simulation.run(5_000);
  simulation.server.work = (random) => 50 + 100 * random();
  simulation.run(3_000);
  const slow = simulation.run(5_000);
  t.ok(slow.throughput >= 0.9 && slow.latency <= 2, `slower: ${JSON.stringify(slow)}`);
  simulation.server.work = (random) => 1 + 2 * random();
  simulation.run(3_000);
  const fast = simulation.run(10_000);
  t.ok(fast.throughput >= 0.9 && fast.latency <= 2, `faster: ${JSON.stringify(fast)}`);
});

t.test('a server that got more workers, or fewer, is learned anew', async (t) => {
  const simulation = new Simulation({ workers: 8, work: (random) => 5 + 10 * random() }, 100, 6);
  for (const workers of [8, 32, 4]) {
    simulation.server.workers = workers;
    simulation.run(10_000);
    const { throughput, latency } = simulation.run(10_000);
    t.ok(throughput >= 0.9 && latency <= 2, `${workers}: ${throughput.toFixed(2)}, ${latency.toFixed(2)}`);
  }
});

t.test('it does not grow while it is not used', async (t) => {
  const simulation = new Simulation({ workers: 100, work: () => 10 }, 100, 7);
  simulation.offered = 3;
  simulation.run(20_000);
  t.ok(simulation.highest <= 4, `${simulation.highest}`);
  simulation.offered = Infinity;
  simulation.run(20_000);
  t.equal(simulation.highest, 100);
});

/** A limit that has grown to 64. */
function grown(): { limit: ConcurrencyLimit; nowMs: number } {
  const limit = new ConcurrencyLimit({ min: 1, max: 64 });
  let nowMs = 0;
  for (let round = 0; limit.current < 64; round += 1) {
    assert.ok(round < 5_000);
    nowMs += 10;
    limit.learn('served', 10, limit.current, nowMs);
  }
  return { limit, nowMs };
}

for (const sign of ['busy', 'failing'] as const) {
  t.test(`${sign} cuts it at once, what was lost together counts once, and it comes back`, async (t) => {
    const { limit, nowMs } = grown();
    limit.learn(sign, 10, 64, nowMs + 10);
    t.equal(limit.current, 51);
    for (let lost = 0; lost < 10; lost += 1) limit.learn(sign, 10, 64, nowMs + 20);
    t.equal(limit.current, 51, 'sent before the first was lost');
    limit.learn(sign, 10, 51, nowMs + 21);
    t.equal(limit.current, 40);
    let laterMs = nowMs + 21;
    for (let answer = 0; answer < 10_000; answer += 1) {
      laterMs += 10;
      limit.learn('served', 10, limit.current, laterMs);
    }
    t.equal(limit.current, 64);
  });
}

t.test('what the function refuses or fails to do says nothing of the limit', async (t) => {
  const { limit, nowMs } = grown();
  for (let answer = 0; answer < 1_000; answer += 1) {
    limit.learn('answered', 0.1, 64, nowMs + answer);
    limit.learn('none', 1_000, 64, nowMs + answer);
  }
  t.equal(limit.current, 64);
});

t.test('a loss during a trial ends it', async (t) => {
  const { limit } = grown();
  let nowMs = 1_000_000;
  const serve = () => {
    nowMs += 10;
    limit.learn('served', 10, limit.current, nowMs);
  };
  for (let answer = 0; limit.current === 64; answer += 1) {
    t.ok(answer < 10_000);
    serve();
  }
  t.equal(limit.current, 32, 'the trial');
  nowMs += 10;
  limit.learn('busy', 10, 32, nowMs);
  t.equal(limit.current, 51, 'of what it was before');
  for (let answer = 0; answer < 20_000; answer += 1) serve();
  t.equal(limit.current, 64);
});

t.test('whatever happens, it stays within its bounds', async () => {
  const anyAnswer = fc.record({
    sign: fc.constantFrom<HealthSignal>(
      'served',
      'served',
      'served',
      'served',
      'answered',
      'busy',
      'failing',
      'none',
    ),
    latencyMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e6, noNaN: true })),
    used: fc.double({ min: 0, max: 1, noNaN: true }),
    times: fc.integer({ min: 1, max: 300 }),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.nat(200),
      fc.array(anyAnswer, { maxLength: 40 }),
      (min, more, answers) => {
        const max = min + more;
        const limit = new ConcurrencyLimit({ min, max });
        assert.equal(limit.current, min);
        let nowMs = 0;
        for (const { sign, latencyMs, used, times } of answers) {
          for (let count = 0; count < times; count += 1) {
            const before = limit.current;
            const inFlight = Math.max(1, Math.floor(used * before));
            nowMs += 1;
            limit.learn(sign, latencyMs, inFlight, nowMs);
            assert.ok(Number.isInteger(limit.current) && limit.current >= min && limit.current <= max);
            if (sign === 'busy' || sign === 'failing') assert.ok(limit.current <= Math.max(before * 2, min));
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});
