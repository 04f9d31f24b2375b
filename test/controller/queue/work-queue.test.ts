import fc from 'fast-check';
import t from 'tap';
import { createWorkQueue } from '../../../controller/queue/work-queue.ts';

const queueOf = (random = 1) => createWorkQueue({ baseMs: 100, maxMs: 1_000, random: () => random });

t.test('once, however often it was added, and in the order in which it is due', async (t) => {
  const queue = queueOf();
  t.equal(queue.nextMs(), undefined);
  queue.addAt('late', 50);
  queue.addAt('later', 80);
  queue.add('now');
  queue.add('now');
  t.equal(queue.take(0), 'now');
  t.equal(queue.take(0), undefined);
  t.equal(queue.nextMs(), 50);
  t.equal(queue.take(100), 'late');
  t.equal(queue.take(100), 'later');
  t.equal(queue.nextMs(), undefined);
});

t.test('the earlier of two times counts', async (t) => {
  const queue = queueOf();
  queue.addAt('a', 50);
  queue.addAt('a', 80);
  t.equal(queue.nextMs(), 50);
  queue.addAt('a', 20);
  t.equal(queue.nextMs(), 20);
  queue.add('a');
  t.equal(queue.take(0), 'a');
});

t.test('never twice at a time: what is added meanwhile comes after it', async (t) => {
  const queue = queueOf();
  queue.add('a');
  t.equal(queue.take(0), 'a');
  queue.add('a');
  t.equal(queue.take(0), undefined);
  t.equal(queue.nextMs(), undefined);
  queue.done('a');
  t.equal(queue.take(0), 'a');
});

t.test('failures wait longer and longer, and a success forgets them', async (t) => {
  const queue = queueOf();
  const waits: (number | undefined)[] = [];
  queue.add('a');
  for (let failure = 1; failure <= 6; failure++) {
    t.equal(queue.take(10_000), 'a');
    t.equal(queue.failed('a', 0), failure);
    waits.push(queue.nextMs());
  }
  t.strictSame(waits, [100, 200, 400, 800, 1_000, 1_000]);
  queue.take(10_000);
  queue.done('a');
  queue.add('a');
  queue.take(0);
  t.equal(queue.failed('a', 0), 1);
});

t.test('half of a wait is by chance', async (t) => {
  const queue = queueOf(0);
  queue.add('a');
  queue.take(0);
  queue.failed('a', 1_000);
  t.equal(queue.nextMs(), 1_050);
});

t.test('after any additions, keys come in the order in which they are due', async (t) => {
  const addition = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), atMs: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(addition, { maxLength: 40 }), (additions) => {
      const queue = queueOf();
      const due = new Map<string, number>();
      for (const { key, atMs } of additions) {
        queue.addAt(key, atMs);
        due.set(key, Math.min(atMs, due.get(key) ?? Infinity));
      }
      t.equal(queue.nextMs(), additions.length === 0 ? undefined : Math.min(...due.values()));
      for (let nowMs = 0; nowMs <= 20; nowMs++)
        for (let key = queue.take(nowMs); key !== undefined; key = queue.take(nowMs)) {
          t.equal(due.get(key), nowMs);
          due.delete(key);
        }
      t.equal(due.size, 0);
    }),
  );
});

t.test('its depth is what waits to be processed at once', async (t) => {
  const queue = queueOf();
  for (const key of ['a', 'b']) queue.add(key);
  queue.addAt('c', 50);
  t.equal(queue.depth, 2);
  t.equal(queue.nextMs(), Number.NEGATIVE_INFINITY);
  queue.take(0);
  t.equal(queue.depth, 1);
});
