import fc from 'fast-check';
import t from 'tap';
import { compileFind } from '../../../../core/expressions/cesql/find-characters.ts';

t.test('finds the first occurrence', (t) => {
  const cases: [characters: (string | undefined)[], text: string, from: number, expected: number][] = [
    [['a'], '', 0, -1],
    [['a'], 'bab', 0, 2],
    [['a'], 'bab', 2, -1],
    [[undefined], 'ab', 1, 2],
    [[undefined], '', 0, -1],
    [['a', undefined, 'b'], 'aab', 0, 3],
    [['a', undefined, 'b'], 'aaxbxb', 0, 4],
    [['😀', undefined], 'x😀😀', 0, 5],
  ];
  for (const [characters, text, from, expected] of cases)
    t.equal(compileFind(characters)(text, from), expected, `${characters.join()} in ${text} from ${from}`);
  t.end();
});

t.test('agrees with looking at each place', (t) => {
  const character = fc.constantFrom('a', 'b', '😀');
  // The lengths are those around which the words of the state end.
  const pattern = fc
    .constantFrom(1, 2, 3, 31, 32, 33, 64, 65)
    .chain((length) => fc.tuple(fc.constant(length), fc.array(fc.nat(length - 1), { maxLength: 3 })));
  fc.assert(
    fc.property(
      pattern,
      fc.array(character, { maxLength: 100 }),
      fc.nat(69),
      fc.nat(3),
      ([length, gaps], start, at, errors) => {
        // A part of the text, of which some characters are any and some not those of the text.
        const text = [...start, ...Array.from({ length: 70 }, () => 'a')];
        const wanted = text
          .slice(at, at + length)
          .map((one, position) =>
            gaps.includes(position) ? undefined : errors === 3 && position === 0 ? 'b' : one,
          );
        const isAt = (place: number): boolean =>
          wanted.every((one, position) => {
            const there = text[place + position];
            return there !== undefined && (one === undefined || one === there);
          });
        const place = text.findIndex((_, index) => isAt(index));
        const expected = place === -1 ? -1 : text.slice(0, place + wanted.length).join('').length;
        return compileFind(wanted)(text.join(''), 0) === expected;
      },
    ),
    { numRuns: 3_000 },
  );
  t.end();
});
