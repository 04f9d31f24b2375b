import fc from 'fast-check';
import t from 'tap';
import { editDistance, nearest } from '../../../core/contract/nearest-name.ts';

for (const [from, to, distance] of [
  ['', '', 0],
  ['retry', 'retry', 0],
  ['retry', '', 5],
  ['', 'retry', 5],
  ['retyr', 'retry', 1],
  ['retr', 'retry', 1],
  ['rretry', 'retry', 1],
  ['kitten', 'sitting', 3],
  ['ca', 'abc', 3],
] as const) {
  t.test(`from ${from} to ${to} it is ${distance}`, async (t) => t.equal(editDistance(from, to), distance));
}

t.test('a distance is a distance', async (t) => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      t.equal(distance, editDistance(b, a));
      t.equal(distance === 0, a === b);
      t.ok(distance <= Math.max(a.length, b.length));
      t.ok(distance >= Math.abs(a.length - b.length));
    }),
  );
});

t.test('the limit', async (t) => {
  t.equal(nearest('topic', ['topics'], 1), 'topics');
  t.equal(nearest('retyre', ['retry'], 1), undefined);
});

const names = ['retry', 'retryAfterMax', 'backoffDelay', 'topics', 'deadLetter', 'a'];
for (const [name, meant] of [
  ['retires', 'retry'],
  ['retries', 'retry'],
  ['topic', 'topics'],
  ['delay', 'backoffDelay'],
  ['dead-letter', 'deadLetter'],
  ['BACKOFFDELAY', 'backoffDelay'],
  ['backofDelya', 'backoffDelay'],
  ['namespace', undefined],
  ['x', undefined],
  ['', undefined],
  ['y'.repeat(100_000), undefined],
] as const) {
  t.test(`${name.slice(0, 20)} means ${meant}`, async (t) => t.equal(nearest(name, names), meant));
}
