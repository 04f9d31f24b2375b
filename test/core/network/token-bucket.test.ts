import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { TokenBucket } from '../../../core/network/token-bucket.ts';

t.test('full at first, then filled at the rate, never above the burst', async (t) => {
  const bucket = new TokenBucket({ eventsPerSecond: 10, burst: 3 }, 1_000);
  t.equal(bucket.burst, 3);
  t.equal(bucket.available(1_000), 3);
  bucket.take(3);
  t.equal(bucket.available(1_000), 0);
  t.equal(bucket.msUntil(1, 1_000), 100);
  t.equal(bucket.msUntil(3, 1_050), 250);
  t.equal(bucket.available(1_099), 0);
  t.equal(bucket.available(1_100), 1);
  t.equal(bucket.available(9_999), 3);
  t.equal(bucket.msUntil(3, 9_999), 0);
  t.equal(bucket.in(500), 5);
});

t.test('a clock that goes back brings no tokens', async (t) => {
  const bucket = new TokenBucket({ eventsPerSecond: 1_000, burst: 1 }, 100);
  bucket.take(1);
  t.equal(bucket.available(50), 0);
  t.equal(bucket.available(100), 0);
  t.equal(bucket.available(101), 1);
});

const anyLife = fc.record({
  eventsPerSecond: fc.integer({ min: 1, max: 100_000 }),
  burst: fc.integer({ min: 1, max: 1_000 }),
  steps: fc.array(
    fc.record({
      afterMs: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.double({ min: 0, max: 20, noNaN: true })),
      wanted: fc.integer({ min: 1, max: 200 }),
    }),
    { maxLength: 60 },
  ),
});

t.test('in no window more than the burst and what the rate gives in it', async () => {
  fc.assert(
    fc.property(anyLife, ({ eventsPerSecond, burst, steps }) => {
      const bucket = new TokenBucket({ eventsPerSecond, burst }, 0);
      const taken: { atMs: number; count: number }[] = [];
      let nowMs = 0;
      for (const { afterMs, wanted } of steps) {
        nowMs += afterMs;
        const count = Math.min(wanted, bucket.available(nowMs));
        bucket.take(count);
        taken.push({ atMs: nowMs, count });
      }
      for (const [from, { atMs }] of taken.entries()) {
        let sum = 0;
        for (const later of taken.slice(from)) {
          sum += later.count;
          const most = burst + ((later.atMs - atMs) * eventsPerSecond) / 1000;
          assert.ok(sum <= most + 1e-3, `${sum} in ${later.atMs - atMs} ms, at most ${most}`);
        }
      }
    }),
  );
});

t.test('after `msUntil` the tokens are available, and in total as many as the rate allows', async () => {
  fc.assert(
    fc.property(anyLife, ({ eventsPerSecond, burst, steps }) => {
      const bucket = new TokenBucket({ eventsPerSecond, burst }, 0);
      let nowMs = 0;
      let sum = 0;
      for (const { wanted } of steps) {
        const count = Math.min(wanted, burst);
        nowMs += bucket.msUntil(count, nowMs);
        assert.ok(bucket.available(nowMs) >= count);
        bucket.take(count);
        sum += count;
      }
      // There is no idle time: the tokens that were taken need all of it.
      assert.ok(nowMs <= Math.max(0, ((sum - burst) * 1000) / eventsPerSecond) + 1e-3);
    }),
  );
});
