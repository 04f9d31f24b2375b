import t from 'tap';
import { Stalls, type Fetching } from '../../../../core/kafka/fetch/stalls.ts';

const stuck = (name: string, more: Partial<Fetching> = {}): Fetching => ({
  name,
  position: 5n,
  end: 9n,
  answeredMs: undefined,
  ...more,
});
const nothing = { stalled: [], rebuild: false };

t.test('a position that stands still while records wait is a stall, after the limit', async (t) => {
  const stalls = new Stalls(15, 10);
  t.strictSame(stalls.look([stuck('b'), stuck('a'), stuck('c', { end: 5n })], 0), nothing);
  t.strictSame(stalls.look([stuck('b'), stuck('a')], 10), nothing);
  t.strictSame(stalls.look([stuck('b'), stuck('a')], 15), { stalled: ['a', 'b'], rebuild: true });
});

t.test('one that moves, or has nothing before it, is none', async (t) => {
  const stalls = new Stalls(15, 10);
  stalls.look([stuck('a'), stuck('b')], 0);
  stalls.look([stuck('a', { position: 6n }), stuck('b', { position: 9n })], 10);
  t.strictSame(stalls.look([stuck('a', { position: 6n }), stuck('b')], 20), nothing);
  t.strictSame(stalls.look([stuck('a', { position: 6n }), stuck('b')], 25), {
    stalled: ['a'],
    rebuild: true,
  });
});

t.test('one that is paused meanwhile starts afresh', async (t) => {
  const stalls = new Stalls(15, 10);
  stalls.look([stuck('a')], 0);
  stalls.look([], 10);
  t.strictSame(stalls.look([stuck('a')], 20), nothing);
});

t.test(
  'a rebuild in vain is told, and the next one waits twice as long; one that helped is forgotten',
  async (t) => {
    const stalls = new Stalls(15, 100);
    stalls.look([stuck('a')], 0);
    const rebuilds: number[] = [];
    for (let now = 5; now <= 2_500; now += 5) {
      const { stalled, rebuild } = stalls.look([stuck('a')], now);
      if (rebuild) rebuilds.push(now);
      if (rebuilds.length > 0) t.strictSame(stalled, ['a']);
    }
    t.strictSame(rebuilds, [15, 45, 105, 225, 465, 945, 1425, 1905, 2385]);
    t.strictSame(stalls.look([stuck('a', { position: 6n })], 2_505), nothing);
  },
);

t.test('a client that the broker answers is at work: what lies there is no record', async (t) => {
  const stalls = new Stalls(15, 10);
  stalls.look([stuck('a')], 0);
  for (let now = 10; now <= 100; now += 10)
    t.strictSame(stalls.look([stuck('a', { answeredMs: now - 1 })], now), nothing);
  t.strictSame(stalls.look([stuck('a', { answeredMs: 99 })], 110), nothing);
  t.match(stalls.look([stuck('a', { answeredMs: 99 })], 114), { rebuild: true });
  t.strictSame(stalls.look([stuck('a', { answeredMs: 120 })], 121), nothing, 'the rebuild has helped');
});

t.test('nothing follows from a pause of the process itself', async (t) => {
  const stalls = new Stalls(15, 10);
  stalls.look([stuck('a')], 0);
  t.strictSame(stalls.look([stuck('a')], 1_000), nothing);
  stalls.look([stuck('a')], 1_010);
  t.strictSame(stalls.look([stuck('a')], 1_015), { stalled: ['a'], rebuild: true });
});
