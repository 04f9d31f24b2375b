// Arithmetic and comparison of integers, and equality of any two values (CESQL 1.0, section 3.4.2).
import { castLike, isInteger, toInteger } from './cast.ts';
import type { ArithmeticOperator, ComparisonOperator } from './syntax-tree.ts';
import { failure, withValue, type CesqlValue, type Outcome } from './cesql-outcome.ts';

/** Both operands have values. */
export type BinaryOperation = (left: CesqlValue, right: CesqlValue) => Outcome;

const arithmetic: Readonly<Record<ArithmeticOperator, (left: number, right: number) => Outcome<number>>> = {
  '+': (left, right) => within(left + right, '+'),
  '-': (left, right) => within(left - right, '-'),
  // Beyond 53 bits the product is not exact, but it is out of range in any case.
  '*': (left, right) => within(left * right, '*'),
  '/': (left, right) => (right === 0 ? byZero('/') : within(Math.trunc(left / right), '/')),
  '%': (left, right) => (right === 0 ? byZero('%') : within(left % right, '%')),
};

export function arithmeticOperation(operator: ArithmeticOperator): BinaryOperation {
  return onIntegers(arithmetic[operator], 0);
}

export function comparisonOperation(operator: ComparisonOperator): BinaryOperation {
  switch (operator) {
    case '=':
      return equals;
    case '!=':
    case '<>':
      return differs;
    case '<':
      return onIntegers((left, right) => left < right, false);
    case '<=':
      return onIntegers((left, right) => left <= right, false);
    case '>':
      return onIntegers((left, right) => left > right, false);
    case '>=':
      return onIntegers((left, right) => left >= right, false);
  }
}

/** The type of the right operand decides which of the three equalities applies: the left operand is cast to it. */
export function equals(left: CesqlValue, right: CesqlValue): Outcome<boolean> {
  const cast = castLike(left, right);
  return typeof cast === 'object' ? withValue(cast, false) : cast === right;
}

function differs(left: CesqlValue, right: CesqlValue): Outcome<boolean> {
  const outcome = equals(left, right);
  return typeof outcome === 'object' ? outcome : !outcome;
}

export function negate(value: CesqlValue): Outcome<number> {
  const integer = toInteger(value);
  return typeof integer === 'object' ? integer : within(-integer, '-');
}

function onIntegers(
  operation: (left: number, right: number) => Outcome,
  zeroValue: CesqlValue,
): BinaryOperation {
  return (left, right) => {
    const x = toInteger(left);
    if (typeof x === 'object') return withValue(x, zeroValue);
    const y = toInteger(right);
    return typeof y === 'object' ? withValue(y, zeroValue) : operation(x, y);
  };
}

/** The specification does not define results beyond 32 bits. Wrapping around would let events pass that must not, so it is an error. */
function within(result: number, operator: string): Outcome<number> {
  // Adding 0 makes 0 of -0.
  return isInteger(result)
    ? result + 0
    : failure('math', `the result of ${operator} is not a 32-bit integer`, 0);
}

function byZero(operator: string): Outcome<number> {
  return failure('math', `${operator} by zero`, 0);
}
