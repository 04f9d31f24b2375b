import t, { type Test } from 'tap';
import { createSettleRate, type RateSample } from '../../../scaler/backlog/settle-rate.ts';

const sample = (seconds: number, settled: number, changes: Partial<RateSample> = {}): RateSample => ({
  atMs: seconds * 1000,
  settled: BigInt(settled),
  backlog: 10_000n,
  partitions: 3,
  replicas: 2,
  ...changes,
});
function rateOf(...samples: RateSample[]): number | undefined {
  const rate = createSettleRate();
  for (const each of samples) rate.observe(each);
  return rate.perReplica;
}
const near = (t: Test, rate: number | undefined, expected: number, message?: string) =>
  t.ok(Math.abs((rate ?? 0) - expected) <= expected * 0.06, `${message ?? ''} ${rate} is near ${expected}`);

t.test('records per second and replica, once three busy intervals are known', async (t) => {
  t.equal(rateOf(), undefined);
  t.equal(rateOf(sample(0, 0), sample(5, 500), sample(10, 1_000)), undefined);
  near(t, rateOf(sample(0, 0), sample(5, 500), sample(10, 1_000), sample(15, 1_500)), 50);
});

t.test('an interval counts only if there was enough to do, for replicas that stayed as many', async (t) => {
  const known = [sample(0, 0), sample(5, 500), sample(10, 1_000), sample(15, 1_500)];
  for (const [what, ...more] of [
    ['what arrives bounds it', sample(20, 1_550, { backlog: 5n }), sample(25, 1_600, { backlog: 5n })],
    ['it came to its end', sample(20, 1_550, { backlog: 0n })],
    ['stuck', sample(20, 1_500), sample(25, 1_500)],
    ['more replicas', sample(20, 9_000, { replicas: 9 })],
    ['none', sample(20, 9_000, { replicas: 0 }), sample(25, 19_000, { replicas: 0 })],
    ['more partitions', sample(20, 9_000, { partitions: 4 })],
    ['an offset reset', sample(20, 100)],
    ['a poll too early', sample(16, 9_000)],
    ['a poll much too late', sample(60, 90_000)],
    ['a clock that goes back', sample(3, 90_000)],
  ] as [string, ...RateSample[]][])
    near(t, rateOf(...known, ...more), 50, what);
});

t.test('the middle of the last twelve: an outlier says nothing, a change is followed', async (t) => {
  const rate = createSettleRate();
  let settled = 0;
  let seconds = 0;
  const run = (perInterval: number) => rate.observe(sample((seconds += 5), (settled += perInterval)));
  for (let interval = 0; interval < 12; interval += 1) run(1_000);
  run(9_000);
  near(t, rate.perReplica, 100);
  for (let interval = 0; interval < 8; interval += 1) run(200);
  near(t, rate.perReplica, 20);
});

t.test(
  'two scalers that measure nearly the same say the same, or one step of ten per cent apart',
  async (t) => {
    const measured = (perInterval: number) =>
      rateOf(...[0, 1, 2, 3].map((at) => sample(at * 5, at * perInterval))) ?? 0;
    t.equal(measured(1_000), measured(1_003));
    for (let per = 900; per < 1_100; per += 7) {
      const ratio = measured(per + 9) / measured(per);
      t.ok(ratio > 0.999 && ratio < 1.101, `${per}: ${ratio}`);
    }
  },
);
