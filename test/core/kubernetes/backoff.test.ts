import t from 'tap';
import { backoffMs } from '../../../core/kubernetes/backoff.ts';

t.test('the backoff doubles with each failure, from 0.2 s to 10 s, and half of it is random', async (t) => {
  const longest = [1, 2, 3, 6, 7, 100, 5_000].map((failures) => backoffMs(failures, () => 1));
  t.strictSame(longest, [200, 400, 800, 6_400, 10_000, 10_000, 10_000]);
  t.equal(
    backoffMs(3, () => 0),
    400,
  );
  const delayMs = backoffMs(1);
  t.ok(delayMs >= 100 && delayMs <= 200);
});
