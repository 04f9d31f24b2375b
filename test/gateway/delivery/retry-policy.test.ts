import fc from 'fast-check';
import t from 'tap';
import type { RetrySettings } from '../../../core/contract/subscription.ts';
import { nextDelayMs } from '../../../gateway/delivery/retry-policy.ts';

const settings: RetrySettings = {
  retry: 10,
  backoffPolicy: 'exponential',
  backoffDelayMs: 300,
  backoffMaxMs: 60_000,
  retryAfterMaxMs: 300_000,
};
/** The longest delay: nothing is taken off by the jitter. */
const longest = () => 0;

t.test('how long', (t) => {
  const cases: [
    Partial<RetrySettings>,
    attempts: number,
    retryAfterMs: number | undefined,
    delayMs: number,
  ][] = [
    [{}, 1, undefined, 300],
    [{}, 2, undefined, 600],
    [{}, 8, undefined, 38_400],
    [{}, 9, undefined, 60_000],
    [{ backoffPolicy: 'linear' }, 1, undefined, 300],
    [{ backoffPolicy: 'linear' }, 7, undefined, 2_100],
    [{ backoffDelayMs: 0 }, 3, undefined, 0],
    [{ retry: -1 }, 5_000, undefined, 60_000],
    [{ retry: -1, backoffDelayMs: 0 }, 5_000, undefined, 0],
    [{ retry: -1, backoffPolicy: 'linear' }, Number.MAX_SAFE_INTEGER, undefined, 60_000],
    [{}, 1, 5_000, 5_000],
    [{}, 9, 5_000, 60_000],
    [{}, 1, 9_999_999, 300_000],
    [{ retryAfterMaxMs: 0 }, 1, 5_000, 300],
  ];
  for (const [change, attempts, retryAfterMs, delayMs] of cases) {
    t.equal(nextDelayMs({ ...settings, ...change }, attempts, longest, retryAfterMs), delayMs);
  }
  t.end();
});

t.test('how often', (t) => {
  t.equal(nextDelayMs({ ...settings, retry: 0 }, 1, longest), 'exhausted');
  t.equal(nextDelayMs({ ...settings, retry: 0 }, 1, longest, 1_000), 'exhausted');
  t.equal(nextDelayMs(settings, 11, longest), 'exhausted');
  t.equal(nextDelayMs(settings, 10, longest), 60_000);
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1 }), (retry, attempts) => {
      const delay = nextDelayMs({ ...settings, retry }, attempts, Math.random);
      return (delay === 'exhausted') === attempts > retry;
    }),
  );
  t.end();
});

t.test('the delay is a whole number in (0, cap]', (t) => {
  const anySettings = fc.record({
    retry: fc.constant(-1),
    backoffPolicy: fc.constantFrom('linear', 'exponential'),
    backoffDelayMs: fc.integer({ min: 1, max: 10 ** 9 }),
    backoffMaxMs: fc.integer({ min: 1, max: 10 ** 9 }),
    retryAfterMaxMs: fc.nat(10 ** 9),
  });
  const attempts = fc.oneof(
    fc.integer({ min: 1, max: 100 }),
    fc.maxSafeInteger().filter((n) => n > 0),
  );
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(
      anySettings,
      attempts,
      random,
      fc.option(fc.maxSafeInteger().map(Math.abs)),
      (one, made, r, after) => {
        const delay = nextDelayMs(one, made, () => r);
        const delayAfter = nextDelayMs(one, made, () => r, after ?? undefined);
        if (delay === 'exhausted' || delayAfter === 'exhausted') return false;
        const least = Math.min(after ?? 0, one.retryAfterMaxMs);
        return (
          Number.isSafeInteger(delay) &&
          delay > 0 &&
          delay <= one.backoffMaxMs &&
          delayAfter === Math.max(delay, least)
        );
      },
    ),
    { numRuns: 1_000 },
  );
  t.end();
});
