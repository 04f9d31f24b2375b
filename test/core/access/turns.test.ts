import t from 'tap';
import { Turns } from '../../../core/access/turns.ts';

/** Resolves when all pending callbacks have run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

t.test('tasks beyond the limit wait in their order, also behind one that fails', async (t) => {
  const turns = new Turns({ atOnce: 2, maxWaiting: 2 });
  const begun: string[] = [];
  const tasks = ['a', 'b', 'c', 'd'].map((name) => {
    const end = Promise.withResolvers<string>();
    const take = turns.take(() => {
      begun.push(name);
      return end.promise;
    });
    return { ...end, take };
  });
  const [a, b, c, d] = tasks as [(typeof tasks)[0], (typeof tasks)[0], (typeof tasks)[0], (typeof tasks)[0]];
  await settled();
  t.strictSame(begun, ['a', 'b']);
  await t.rejects(
    turns.take(async () => 'e'),
    { code: 'MILLRACE_ACCESS_UNKNOWN' },
  );
  b.reject(new Error('away'));
  await t.rejects(b.take, { message: 'away' });
  await settled();
  t.strictSame(begun, ['a', 'b', 'c']);
  for (const { resolve } of [a, c, d]) resolve('done');
  t.strictSame(await Promise.all([a.take, c.take, d.take]), ['done', 'done', 'done']);
  t.equal(await turns.take(async () => 'free again'), 'free again');
});
