import t from 'tap';
import { findFunction, isFunctionName } from '../../../../core/expressions/cesql/cesql-functions.ts';
import type { CesqlValue } from '../../../../core/expressions/cesql/cesql-outcome.ts';

/** A value, or the value and the code of a failure. */
function invoke(name: string, ...values: CesqlValue[]): unknown {
  const outcome = findFunction(name, values.length)!.invoke(...values);
  return typeof outcome === 'object' ? [outcome.value, outcome.error.code] : outcome;
}

t.test('functions (CESQL 1.0, section 3.5)', (t) => {
  const refused = (value: CesqlValue): unknown => [value, 'functionEvaluation'];
  const cases: [name: string, values: CesqlValue[], expected: unknown][] = [
    ['LENGTH', ['abc'], 3],
    ['LENGTH', ['a😀'], 2],
    ['CONCAT', [], ''],
    ['CONCAT', ['a', 'b'], 'ab'],
    ['CONCAT', ['x'.repeat(65_536)], 'x'.repeat(65_536)],
    ['CONCAT', ['x'.repeat(65_536), 'y'], refused('')],
    ['CONCAT_WS', [','], ''],
    ['CONCAT_WS', [',', 'a'], 'a'],
    ['CONCAT_WS', [',', 'a', 'b'], 'a,b'],
    ['CONCAT_WS', ['x'.repeat(65_535), 'a', 'b'], refused('')],
    ['LOWER', ['AbÇ'], 'abç'],
    ['UPPER', ['aBß'], 'ABSS'],
    ['TRIM', [' a b\u0085'], 'a b'],
    ['LEFT', ['a😀c', 2], 'a😀'],
    ['LEFT', ['abc', 9], 'abc'],
    ['LEFT', ['abc', 0], ''],
    ['LEFT', ['abc', -1], refused('abc')],
    ['RIGHT', ['a😀c', 2], '😀c'],
    ['RIGHT', ['abc', 9], 'abc'],
    ['RIGHT', ['abc', 0], ''],
    ['RIGHT', ['abc', -1], refused('abc')],
    ['SUBSTRING', ['abcdef', 2], 'bcdef'],
    ['SUBSTRING', ['a😀cd', 3], 'cd'],
    ['SUBSTRING', ['a😀cd', -3], '😀cd'],
    ['SUBSTRING', ['abc', -3], 'abc'],
    ['SUBSTRING', ['abc', 3], 'c'],
    ['SUBSTRING', ['abc', 0], ''],
    ['SUBSTRING', ['abc', 4], refused('')],
    ['SUBSTRING', ['abc', -4], refused('')],
    ['SUBSTRING', ['', 0], ''],
    ['SUBSTRING', ['', 1], refused('')],
    ['SUBSTRING', ['a😀cd', 2, 2], '😀c'],
    ['SUBSTRING', ['Sakila', -5, 3], 'aki'],
    ['SUBSTRING', ['abc', 2, 9], 'bc'],
    ['SUBSTRING', ['abc', 2, 0], ''],
    ['SUBSTRING', ['abc', 0, 2], ''],
    ['SUBSTRING', ['abc', 2, -1], refused('')],
    ['SUBSTRING', ['abc', 0, -1], refused('')],
    ['ABS', [-10], 10],
    ['ABS', [-2_147_483_648], [2_147_483_647, 'math']],
    ['INT', ['-1'], -1],
    ['INT', ['x'], [0, 'cast']],
    ['BOOL', [3], true],
    ['BOOL', ['x'], [false, 'cast']],
    ['STRING', [true], 'true'],
    ['IS_INT', ['12'], true],
    ['IS_INT', ['x'], false],
    ['IS_INT', [true], true],
    ['IS_BOOL', ['TRUE'], true],
    ['IS_BOOL', ['x'], false],
    ['IS_BOOL', [3], true],
  ];
  for (const [name, values, expected] of cases)
    t.same(invoke(name, ...values), expected, `${name}(${values.join().slice(0, 20)})`);
  t.end();
});

t.test('which function is meant', (t) => {
  t.equal(findFunction('FOO', 1), undefined);
  t.equal(findFunction('constructor', 1), undefined);
  t.equal(findFunction('LEFT', 1), undefined);
  t.equal(findFunction('SUBSTRING', 4), undefined);
  t.equal(findFunction('CONCAT_WS', 0), undefined);
  t.not(findFunction('SUBSTRING', 2), findFunction('SUBSTRING', 3));
  t.ok(isFunctionName('LEFT'));
  t.notOk(isFunctionName('toString'));
  t.end();
});
