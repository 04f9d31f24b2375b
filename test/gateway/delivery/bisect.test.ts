import fc from 'fast-check';
import t from 'tap';
import type { AttemptOutcome } from '../../../core/contract/settlement.ts';
import { bisectDelayMs, failsAsWhole, halfOf } from '../../../gateway/delivery/bisect.ts';
import { quickSubscription } from '../pipeline/run-pipeline.ts';

const retry = (status?: number): AttemptOutcome => ({ kind: 'retry', reason: '', status });

t.test('one event may have spoiled it, unless the function speaks of itself or of none', async (t) => {
  const yes = [
    { kind: 'rejected', reason: '', status: 400 } as const,
    retry(undefined),
    ...[404, 408, 409, 500, 502, 504].map(retry),
  ];
  const no = [
    { kind: 'delivered', status: 200 } as const,
    { kind: 'unreachable', reason: '' } as const,
    ...[200, 429, 503].map(retry),
  ];
  for (const outcome of yes) t.equal(failsAsWhole(outcome), true, JSON.stringify(outcome));
  for (const outcome of no) t.equal(failsAsWhole(outcome), false, JSON.stringify(outcome));
});

t.test('any batch comes down to one event in as many rounds as its size has binary digits', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 100_000 }), (events) => {
      let rounds = 0;
      for (let size = events; size > 1; size = halfOf(size)) rounds += 1;
      return rounds === Math.ceil(Math.log2(events));
    }),
  );
});

t.test('a short delay, that is never longer than the first one of a retry', async (t) => {
  const { delivery } = quickSubscription({ delivery: { backoffDelayMs: 300, backoffMaxMs: 1_000 } });
  t.strictSame(
    [0, 0.5, 0.999_999].map((random) => bisectDelayMs(delivery, () => random)),
    [300, 150, 1],
  );
  t.equal(
    bisectDelayMs({ ...delivery, backoffMaxMs: 100 }, () => 0),
    100,
  );
  t.equal(
    bisectDelayMs({ ...delivery, backoffDelayMs: 0 }, () => 0.3),
    0,
  );
});
