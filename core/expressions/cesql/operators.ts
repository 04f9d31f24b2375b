// Arithmetic and comparison of integers, and equality of any two values (CESQL 1.0, section 3.4.2).
import { castLike, isInteger, toInteger } from './cast.ts';
import type { ArithmeticOperator, ComparisonOperator } from './syntax-tree.ts';
import { failure, withValue, type CesqlValue, type Outcome } from './outcome.ts';

/** Of two operands that have a value. */
export type BinaryOperation = (left: CesqlValue, right: CesqlValue) => Outcome;

const arithmetic: Readonly<Record<ArithmeticOperator, (left: number, right: number) => Outcome<number>>> = {
  '+': (left, right) => within(left + right, '+'),
  '-': (left, right) => within(left - right, '-'),
  // Beyond 53 bits it is not exact, but out of range all the same.
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

/** The operand on the right says which of the three equalities is meant: the left one is cast to its type. */
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

/** The specification is silent on results beyond 32 bits. To wrap around would let events pass that must not. */
function within(result: number, operator: string): Outcome<number> {
  // Adding 0 makes 0 of -0.
  return isInteger(result) ? result + 0 : failure('math', `${operator} gives no integer of 32 bits`, 0);
}

function byZero(operator: string): Outcome<number> {
  return failure('math', `${operator} by zero`, 0);
}
