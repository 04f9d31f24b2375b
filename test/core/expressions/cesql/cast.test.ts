import t from 'tap';
import {
  castLike,
  fromAttribute,
  isInteger,
  parseInteger,
  toBoolean,
  toInteger,
} from '../../../../core/expressions/cesql/cast.ts';
import type { Outcome } from '../../../../core/expressions/cesql/cesql-outcome.ts';

const isCastError = (outcome: Outcome, value: unknown): boolean =>
  typeof outcome === 'object' && outcome.error.code === 'cast' && outcome.value === value;

t.test('String to Integer', (t) => {
  const cases: [text: string, expected: number | undefined][] = [
    ['0', 0],
    ['12', 12],
    ['+12', 12],
    ['-12', -12],
    ['-0', 0],
    ['0012', 12],
    ['2147483647', 2_147_483_647],
    ['-2147483648', -2_147_483_648],
    ['2147483648', undefined],
    ['-2147483649', undefined],
    ['9'.repeat(400), undefined],
    ['', undefined],
    ['-', undefined],
    ['1.0', undefined],
    ['1e3', undefined],
    ['0x1', undefined],
    [' 1', undefined],
    ['1\n', undefined],
    ['١', undefined],
  ];
  for (const [text, expected] of cases) {
    t.ok(Object.is(parseInteger(text), expected), text);
    if (expected === undefined) t.ok(isCastError(toInteger(text), 0), text);
    else t.equal(toInteger(text), expected, text);
  }
  t.end();
});

t.test('to Integer', (t) => {
  t.equal(toInteger(7), 7);
  t.equal(toInteger(true), 1);
  t.equal(toInteger(false), 0);
  t.end();
});

t.test('to Boolean', (t) => {
  t.equal(toBoolean(true), true);
  t.equal(toBoolean(0), false);
  t.equal(toBoolean(-3), true);
  t.equal(toBoolean('tRUe'), true);
  t.equal(toBoolean('FALSE'), false);
  for (const text of ['', '1', 'yes', ' true']) t.ok(isCastError(toBoolean(text), false), text);
  t.end();
});

t.test('to the type of another value', (t) => {
  t.equal(castLike(12, ''), '12');
  t.equal(castLike(-12, ''), '-12');
  t.equal(castLike(true, 'x'), 'true');
  t.equal(castLike('12', 0), 12);
  t.equal(castLike('true', false), true);
  t.end();
});

t.test('attributes', (t) => {
  t.equal(fromAttribute('a'), 'a');
  t.equal(fromAttribute(false), false);
  t.equal(fromAttribute(-5), -5);
  t.ok(Object.is(fromAttribute(-0), 0));
  t.equal(fromAttribute(2_147_483_648), '2147483648', 'no Integer, hence a String (section 3.2)');
  t.equal(fromAttribute(1.5), '1.5');
  t.notOk(isInteger(Number.NaN));
  t.end();
});
