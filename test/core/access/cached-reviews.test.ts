import t from 'tap';
import { CachedReviews } from '../../../core/access/cached-reviews.ts';

/** Answers above zero are positive. The clock stands still. */
function setUp() {
  const clock = { nowMs: 0 };
  const cache = new CachedReviews<number>({
    isPositive: (answer) => answer > 0,
    freshMs: 10,
    maxAgeMs: 60,
    negativeMs: 5,
    failureMs: 2,
    maxEntries: 2,
    now: () => clock.nowMs,
  });
  let asked = 0;
  return {
    clock,
    asked: () => asked,
    get: (key: string, answer: number | Promise<number>) =>
      cache.get(key, async () => {
        asked += 1;
        return answer;
      }),
    before: async (key: string) => {
      let received: number | undefined;
      await cache.get(key, async (before) => {
        received = before;
        return 1;
      });
      return received;
    },
  };
}

/** Resolves when all pending answers have been processed. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

t.test(
  'a positive answer is used as it is while it is fresh, then used on while it is renewed, then waited for',
  async (t) => {
    const { clock, asked, get } = setUp();
    t.equal(await get('a', 1), 1);
    clock.nowMs = 9;
    t.equal(await get('a', 2), 1);
    t.equal(asked(), 1);
    clock.nowMs = 10;
    t.equal(await get('a', 2), 1);
    await settled();
    t.equal(await get('a', 3), 2);
    t.equal(asked(), 2);
    clock.nowMs = 70;
    t.equal(await get('a', 4), 4);
  },
);

t.test('the age counts from the request, so a slow answer is not used for longer', async (t) => {
  const { clock, get } = setUp();
  const slow = Promise.withResolvers<number>();
  const first = get('a', slow.promise);
  clock.nowMs = 60;
  slow.resolve(1);
  t.equal(await first, 1);
  t.equal(await get('a', 2), 2);
});

t.test('a positive answer that turns negative is gone at once', async (t) => {
  const { clock, get } = setUp();
  await get('a', 1);
  clock.nowMs = 10;
  t.equal(await get('a', -1), 1);
  await settled();
  t.equal(await get('a', 2), -1);
  clock.nowMs = 15;
  t.equal(await get('a', 2), 2);
});

t.test(
  'after a failure there is no request for a while; a positive answer is used on to its maximum age',
  async (t) => {
    const { clock, asked, get } = setUp();
    await get('a', 1);
    clock.nowMs = 58;
    t.equal(await get('a', Promise.reject(new Error('away'))), 1);
    await settled();
    t.equal(await get('a', 2), 1);
    t.equal(asked(), 2);
    clock.nowMs = 60;
    t.equal(await get('a', 2), 2);
    await t.rejects(get('b', Promise.reject(new Error('away'))), { message: 'away' });
    await t.rejects(get('b', 3), { message: 'away' });
    clock.nowMs = 62;
    t.equal(await get('b', 3), 3);
  },
);

t.test('all who wait get one answer, or one failure', async (t) => {
  const { asked, get } = setUp();
  t.strictSame(await Promise.all([get('a', 1), get('a', 2), get('a', 3)]), [1, 1, 1]);
  t.equal(asked(), 1);
  const away = Promise.reject(new Error('away'));
  const failing = ['b', 'b'].map((key) => get(key, away));
  t.strictSame(
    (await Promise.allSettled(failing)).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  t.equal(asked(), 2);
});

t.test('the least recently used go first, and negative answers evict no positive one', async (t) => {
  const { get } = setUp();
  await get('a', 1);
  await get('b', 1);
  await get('a', 2);
  await get('c', 1);
  t.equal(await get('a', 2), 1);
  t.equal(await get('b', 2), 2);
  for (const key of ['x', 'y', 'z']) await get(key, -1);
  t.strictSame([await get('a', 3), await get('b', 3)], [1, 2]);
  t.strictSame([await get('x', -2), await get('z', -2)], [-2, -1]);
});

t.test('a renewal gets the previous positive answer', async (t) => {
  const { clock, before } = setUp();
  t.equal(await before('a'), undefined);
  clock.nowMs = 60;
  t.equal(await before('a'), 1);
});
