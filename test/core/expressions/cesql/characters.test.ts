import fc from 'fast-check';
import t from 'tap';
import {
  countCharacters,
  indexAfter,
  indexBefore,
  trimWhiteSpace,
} from '../../../../core/expressions/cesql/characters.ts';

t.test('characters are those that the language iterates over', (t) => {
  // Half pairs too: an event may hold them.
  const unit = fc.constantFrom('a', 'ß', '😀', '\ud83d', '\ude00', '\ud7ff', '\ue000');
  const text = fc.array(unit, { maxLength: 8 }).map((units) => units.join(''));
  fc.assert(
    fc.property(text, fc.nat(10), fc.nat(10), (text, from, count) => {
      const all = Array.from(text);
      const start = all.slice(0, from).join('').length;
      return (
        countCharacters(text) === all.length &&
        indexAfter(text, start, count) === all.slice(0, from + count).join('').length &&
        indexBefore(text, count) === all.slice(0, Math.max(0, all.length - count)).join('').length
      );
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

t.test('white space is what Unicode says', (t) => {
  const cases: [text: string, expected: string][] = [
    ['', ''],
    [' \t\r\n ', ''],
    ['  a b  ', 'a b'],
    ['\u0085\u00a0\u1680\u2003\u2028\u202f\u205f\u3000a\u3000', 'a'],
    ['\ufeffa\ufeff', '\ufeffa\ufeff'],
    ['\u0000a\u0007', '\u0000a\u0007'],
    [' 😀 ', '😀'],
  ];
  for (const [text, expected] of cases) t.equal(trimWhiteSpace(text), expected, encodeURI(text));
  t.end();
});
