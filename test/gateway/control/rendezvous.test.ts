import t from 'tap';
import { chooseMembers } from '../../../gateway/control/rendezvous.ts';

const gateways = (count: number) =>
  Array.from({ length: count }, (_, index) => `millrace-gateway-7d9f-${index}`);
const triggers = Array.from({ length: 2_000 }, (_, index) => `geo/trigger-${index}`);

t.test('all where there are no more than are wanted', async (t) => {
  t.strictSame(chooseMembers('geo/a', ['x'], 2), ['x']);
  t.strictSame(chooseMembers('geo/a', ['x', 'y'], 2), ['x', 'y']);
  t.strictSame(chooseMembers('geo/a', [], 2), []);
});

t.test('everybody finds the same ones, whatever the order they know each other in', async (t) => {
  for (const key of triggers.slice(0, 50)) {
    const members = gateways(7);
    t.strictSame(chooseMembers(key, members.toReversed(), 2), chooseMembers(key, members, 2));
  }
  t.strictSame(chooseMembers('a', ['x', 'x', 'y'], 2).length, 2, 'even of equals');
});

t.test('the parts are about equal', async (t) => {
  const counts = new Map<string, number>();
  for (const key of triggers)
    for (const member of chooseMembers(key, gateways(5), 2))
      counts.set(member, (counts.get(member) ?? 0) + 1);
  t.equal(counts.size, 5);
  for (const count of counts.values()) t.ok(count > 650 && count < 950, `${count} of 800`);
});

t.test('one that goes or comes moves only what is its own', async (t) => {
  const [before, after] = [gateways(5), gateways(6)];
  let moved = 0;
  for (const key of triggers) {
    const [few, many] = [chooseMembers(key, before, 2), chooseMembers(key, after, 2)];
    const lost = few.filter((member) => !many.includes(member));
    moved += lost.length;
    if (lost.length > 0) t.ok(many.includes(after[5]!), 'it moved to the new one');
  }
  t.ok(moved > 500 && moved < 850, `${moved} of 4000 places, a sixth`);
});
