import fc from 'fast-check';
import t from 'tap';
import type {
  ArithmeticOperator,
  ComparisonOperator,
} from '../../../../core/expressions/cesql/syntax-tree.ts';
import {
  arithmeticOperation,
  comparisonOperation,
  equals,
  negate,
} from '../../../../core/expressions/cesql/operators.ts';
import type { CesqlValue, Outcome } from '../../../../core/expressions/cesql/cesql-outcome.ts';

const min = -2_147_483_648;
const max = 2_147_483_647;

/** A value, or the value and the code of a failure. */
const shown = (outcome: Outcome): unknown =>
  typeof outcome === 'object' ? [outcome.value, outcome.error.code] : outcome;

t.test('arithmetic', (t) => {
  const cases: [left: CesqlValue, operator: ArithmeticOperator, right: CesqlValue, expected: unknown][] = [
    [4, '+', 1, 5],
    [4, '-', 5, -1],
    [4, '*', -3, -12],
    [5, '/', 3, 1],
    [-5, '/', 3, -1],
    [5, '%', 3, 2],
    [-5, '%', 3, -2],
    [5, '%', -3, 2],
    [0, '*', -1, 0],
    [-1, '/', 2, 0],
    [-4, '%', 2, 0],
    [5, '/', 0, [0, 'math']],
    [5, '%', 0, [0, 'math']],
    [max, '+', 1, [0, 'math']],
    [min, '-', 1, [0, 'math']],
    [min, '*', min, [0, 'math']],
    [min, '/', -1, [0, 'math']],
    [min, '%', -1, 0],
    ['5', '+', true, 6],
    ['a', '+', 1, [0, 'cast']],
    [1, '+', 'a', [0, 'cast']],
  ];
  for (const [left, operator, right, expected] of cases) {
    const outcome = shown(arithmeticOperation(operator)(left, right));
    t.same(outcome, expected, `${left} ${operator} ${right}`);
    t.notOk(Object.is(outcome, -0), 'no negative zero');
  }
  t.end();
});

t.test('arithmetic is exact, or an error', (t) => {
  const integer = fc.integer({ min, max });
  const exact: Record<ArithmeticOperator, (left: bigint, right: bigint) => bigint> = {
    '+': (left, right) => left + right,
    '-': (left, right) => left - right,
    '*': (left, right) => left * right,
    '/': (left, right) => left / right,
    '%': (left, right) => left % right,
  };
  const operators = fc.constantFrom<ArithmeticOperator[]>('+', '-', '*', '/', '%');
  fc.assert(
    fc.property(integer, operators, integer, (left, operator, right) => {
      const outcome = arithmeticOperation(operator)(left, right);
      if (right === 0 && (operator === '/' || operator === '%')) return typeof outcome === 'object';
      const result = exact[operator](BigInt(left), BigInt(right));
      if (BigInt.asIntN(32, result) === result) return outcome === Number(result);
      return typeof outcome === 'object' && outcome.error.code === 'math';
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

t.test('comparison', (t) => {
  const cases: [left: CesqlValue, operator: ComparisonOperator, right: CesqlValue, expected: unknown][] = [
    [2, '<', 3, true],
    [3, '<', 3, false],
    [3, '<=', 3, true],
    [4, '<=', 3, false],
    [4, '>', 3, true],
    [3, '>', 3, false],
    [3, '>=', 3, true],
    [2, '>=', 3, false],
    ['10', '>', '9', true],
    ['a', '<', 3, [false, 'cast']],
    [3, '<', 'a', [false, 'cast']],
    [1, '=', 1, true],
    ['a', '=', 'a', true],
    ['a', '=', 'A', false],
    ['1', '=', 1, true],
    ['01', '=', 1, true],
    [1, '=', '01', false],
    ['TRUE', '=', true, true],
    [true, '=', 'TRUE', false],
    [2, '=', true, true],
    ['a', '=', 1, [false, 'cast']],
    [1, '!=', 2, true],
    [1, '!=', 1, false],
    [1, '<>', 2, true],
    [1, '<>', 1, false],
    ['a', '!=', 1, [false, 'cast']],
    ['a', '<>', true, [false, 'cast']],
  ];
  for (const [left, operator, right, expected] of cases)
    t.same(shown(comparisonOperation(operator)(left, right)), expected, `${left} ${operator} ${right}`);
  t.same(equals('x', 'x'), true);
  t.end();
});

t.test('minus', (t) => {
  t.equal(negate(10), -10);
  t.equal(negate('-10'), 10);
  t.equal(negate(true), -1);
  t.ok(Object.is(negate(0), 0));
  t.same(shown(negate(min)), [0, 'math']);
  t.same(shown(negate('a')), [0, 'cast']);
  t.end();
});
