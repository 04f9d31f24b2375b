import fc from 'fast-check';
import t from 'tap';
import { compileLike } from '../../../../core/expressions/cesql/like.ts';

t.test('patterns (CESQL 1.0, section 3.4.3)', (t) => {
  const cases: [text: string, pattern: string, expected: boolean][] = [
    ['', '', true],
    ['a', '', false],
    ['', '%', true],
    ['', '_', false],
    ['abc', 'abc', true],
    ['abc', 'aBc', false],
    ['abc', 'ab', false],
    ['abc', 'a%', true],
    ['abc', '%c', true],
    ['abc', '%b', false],
    ['abc', '%b%', true],
    ['abc', '%x%', false],
    ['abc', 'x%', false],
    ['abc', '%%', true],
    ['aba', 'ab%ba', false],
    ['abba', 'ab%ba', true],
    ['abc', 'a_c', true],
    ['abc', '_b', false],
    ['abc', '%_c', true],
    ['c', '%_c', false],
    ['abcabd', '%a_d', true],
    ['abcabdx', '%a_d%_', true],
    ['abcabd', '%a_d%_', false],
    ['xaxb', 'x%a_b', true],
    ['abc', '%a_x%', false],
    ['ab', 'ab%_b', false],
    ['xx😀12345678😀xx', '%😀________😀%', true],
    ['xx😀1234567😀xx', '%😀________😀%', false],
    ['a😀c', 'a_c', true],
    ['😀', '%_', true],
    ['😀', '__', false],
    ['x😀y', '%😀_%', true],
    ['a%c', 'a\\%c', true],
    ['abc', 'a\\%c', false],
    ['a_c', 'a\\_c', true],
    ['abc', 'a\\_c', false],
    ['a\\c', 'a\\c', true],
    ['a\\\\c', 'a\\\\c', true],
    ['a\\%', 'a\\\\%', true],
    ['a\\b', 'a\\\\%', false],
    ['a\\', 'a\\', true],
    ['\\', '%\\', true],
    ['.*', '.%', true],
    ['ab', '.%', false],
  ];
  for (const [text, pattern, expected] of cases)
    t.equal(compileLike(pattern)(text), expected, `'${text}' LIKE '${pattern}'`);
  t.end();
});

/** The specification, word for word and slow: characters of the text against those of the pattern. */
function judge(text: readonly string[], pattern: readonly string[]): boolean {
  const [wanted, next] = pattern;
  if (wanted === undefined) return text.length === 0;
  if (wanted === '%')
    return judge(text, pattern.slice(1)) || (text.length > 0 && judge(text.slice(1), pattern));
  if (text.length === 0) return false;
  if (wanted === '_') return judge(text.slice(1), pattern.slice(1));
  const isEscape = wanted === '\\' && (next === '%' || next === '_');
  return text[0] === (isEscape ? next : wanted) && judge(text.slice(1), pattern.slice(isEscape ? 2 : 1));
}

t.test('agrees with the specification', (t) => {
  const written = (maxLength: number, ...characters: string[]) =>
    fc.array(fc.constantFrom(...characters), { maxLength }).map((all) => all.join(''));
  fc.assert(
    fc.property(
      written(10, 'a', 'b', '😀', '%', '_', '\\'),
      written(8, 'a', 'b', '😀', '%', '%', '_', '\\'),
      (text, pattern) => compileLike(pattern)(text) === judge(Array.from(text), Array.from(pattern)),
    ),
    { numRuns: 10_000 },
  );
  t.end();
});

t.test('what would cost a regular expression years', (t) => {
  const text = 'a'.repeat(5_000);
  t.notOk(compileLike(`${'%a'.repeat(1_000)}%b`)(text));
  t.notOk(compileLike(`${'%_a'.repeat(1_000)}%b_`)(text));
  t.notOk(compileLike(`%${'a_'.repeat(1_000)}b%`)(text));
  t.end();
});
