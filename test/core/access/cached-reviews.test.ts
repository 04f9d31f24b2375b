import t from 'tap';
import { CachedReviews } from '../../../core/access/cached-reviews.ts';

/** Answers above zero are good. The clock stands still. */
function setUp() {
  const clock = { nowMs: 0 };
  const kept = new CachedReviews<number>({
    isGood: (answer) => answer > 0,
    freshMs: 10,
    servedMs: 60,
    otherMs: 5,
    failureMs: 2,
    most: 2,
    now: () => clock.nowMs,
  });
  let asked = 0;
  return {
    clock,
    asked: () => asked,
    get: (key: string, answer: number | Promise<number>) =>
      kept.answer(key, async () => {
        asked += 1;
        return answer;
      }),
    before: async (key: string) => {
      let told: number | undefined;
      await kept.answer(key, async (before) => {
        told = before;
        return 1;
      });
      return told;
    },
  };
}

/** Until all that has an answer has done with it. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

t.test(
  'a good answer is fresh for a time, then served on as it is asked for anew, then waited for',
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

t.test('its age counts from when it was asked for: what is slow is not believed for longer', async (t) => {
  const { clock, get } = setUp();
  const slow = Promise.withResolvers<number>();
  const first = get('a', slow.promise);
  clock.nowMs = 60;
  slow.resolve(1);
  t.equal(await first, 1);
  t.equal(await get('a', 2), 2);
});

t.test('a good answer that turns bad is gone at once', async (t) => {
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
  'who does not answer is left alone for a while; what was good is served on meanwhile, to its end',
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

t.test('all who wait have one answer, or one failure', async (t) => {
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

t.test('those that were not wanted for longest go first, and bad ones push out no good one', async (t) => {
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

t.test('who is asked is told the good answer before', async (t) => {
  const { clock, before } = setUp();
  t.equal(await before('a'), undefined);
  clock.nowMs = 60;
  t.equal(await before('a'), 1);
});
