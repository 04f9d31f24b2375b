// Syntax tree of an expression → function of an event. The first error ends the evaluation ("fail fast", CESQL 1.0, section 4.1): each
// operator around it returns the zero value of its own type, and that of the outermost operator is the result.
import { attributeOf, type CloudEvent } from '../../contract/event.ts';
import { fromAttribute, toBoolean, toInteger } from './cast.ts';
import type { Call, Chain, Expression, LogicOperator } from './syntax-tree.ts';
import { findFunction, type ParameterType, type ReturnType } from './cesql-functions.ts';
import { compileLike } from './like.ts';
import {
  arithmeticOperation,
  comparisonOperation,
  equals,
  negate,
  type BinaryOperation,
} from './operators.ts';
import { failure, withValue, type CesqlValue, type Outcome } from './cesql-outcome.ts';

/** Never throws. */
export type Evaluate = (event: CloudEvent) => Outcome;

export function evaluator(expression: Expression): Evaluate {
  switch (expression.kind) {
    case 'literal': {
      const { value } = expression;
      return () => value;
    }
    case 'attribute':
      return attribute(expression.name);
    case 'exists': {
      const { name } = expression;
      return (event) => attributeOf(event, name) !== undefined;
    }
    case 'not':
      return not(evaluator(expression.operand));
    case 'negate':
      return unary(evaluator(expression.operand), 0, negate);
    case 'like': {
      const matches = compileLike(expression.pattern);
      return unary(evaluator(expression.operand), false, (value) => matches(String(value)));
    }
    case 'in':
      return isIn(evaluator(expression.operand), expression.elements.map(evaluator));
    case 'call':
      return call(expression);
    case 'arithmetic':
      return chain(expression, 0, arithmeticOperation);
    case 'comparison':
      return chain(expression, false, comparisonOperation);
    case 'logic':
      return logic(expression);
  }
}

function attribute(name: string): Evaluate {
  // Its type is unknown, hence false (section 3.2). Created once, because events often lack an attribute.
  const missing = failure('missingAttribute', `the event has no attribute ${name}`, false);
  return (event) => {
    const value = attributeOf(event, name);
    if (typeof value === 'string') return value;
    return value === undefined ? missing : fromAttribute(value);
  };
}

function unary(
  operand: Evaluate,
  zeroValue: CesqlValue,
  operation: (value: CesqlValue) => Outcome,
): Evaluate {
  return (event) => {
    const value = operand(event);
    return typeof value === 'object' ? withValue(value, zeroValue) : operation(value);
  };
}

/**
 * A failed cast gives false, and NOT turns it into true. The conformance tests of the specification require this for `NOT 10`, an integer.
 * By the text of the specification (section 3.7), and by the tests of the SDKs for Go and Java, 10 is cast to true, and NOT 10 is false
 * without an error: to follow them, remove the line for numbers.
 */
function not(operand: Evaluate): Evaluate {
  return unary(operand, false, (value) => {
    if (typeof value === 'boolean') return !value;
    if (typeof value === 'number')
      return failure('cast', `NOT takes a Boolean, not ${value}: write NOT BOOL(…)`, true);
    const cast = toBoolean(value);
    return typeof cast === 'object' ? withValue(cast, true) : !cast;
  });
}

/** Casts the elements to the type of the operand, one after the other, until one is equal. */
function isIn(operand: Evaluate, elements: readonly Evaluate[]): Evaluate {
  return (event) => {
    const value = operand(event);
    if (typeof value === 'object') return withValue(value, false);
    for (const element of elements) {
      const other = element(event);
      if (typeof other === 'object') return withValue(other, false);
      const isEqual = equals(other, value);
      if (isEqual !== false) return isEqual;
    }
    return false;
  };
}

/** Both operands are evaluated before either is cast: a missing attribute is reported before a failed cast (section 3.2). */
function chain<Operator>(
  { first, steps }: Chain<Operator>,
  zeroValue: CesqlValue,
  operationOf: (operator: Operator) => BinaryOperation,
): Evaluate {
  const start = evaluator(first);
  const rest = steps.map(({ operator, operand }) => ({
    operation: operationOf(operator),
    operand: evaluator(operand),
  }));
  return (event) => {
    let left = start(event);
    for (const { operation, operand } of rest) {
      if (typeof left === 'object') return withValue(left, zeroValue);
      const right = operand(event);
      if (typeof right === 'object') return withValue(right, zeroValue);
      left = operation(left, right);
    }
    return left;
  };
}

/** The right side is not evaluated if the left side decides the result (section 3.6). */
function logic({ first, steps }: Chain<LogicOperator>): Evaluate {
  const start = truth(evaluator(first));
  const rest = steps.map(({ operator, operand }) => ({ operator, operand: truth(evaluator(operand)) }));
  return (event) => {
    let left = start(event);
    for (const { operator, operand } of rest) {
      if (typeof left === 'object') return left;
      if (left ? operator === 'OR' : operator === 'AND') continue;
      const right = operand(event);
      left = operator === 'XOR' && left && typeof right === 'boolean' ? !right : right;
    }
    return left;
  };
}

function truth(operand: Evaluate): (event: CloudEvent) => Outcome<boolean> {
  return (event) => {
    const value = operand(event);
    if (typeof value === 'boolean') return value;
    return typeof value === 'object' ? withValue(value, false) : toBoolean(value);
  };
}

function call({ name, parameters }: Call): Evaluate {
  const meant = findFunction(name, parameters.length);
  if (meant === undefined) {
    const missing = failure(
      'missingFunction',
      `there is no ${name} with ${parameters.length} parameters`,
      false,
    );
    return () => missing;
  }
  const { invoke, others = 'Any' } = meant;
  const zeroValue = zeroValues[meant.returns];
  const values = parameters.map((parameter, index) =>
    unary(evaluator(parameter), zeroValue, casts[meant.parameters[index] ?? others]),
  );
  return (event) => {
    const given: CesqlValue[] = [];
    for (const valueOf of values) {
      const value = valueOf(event);
      if (typeof value === 'object') return withValue(value, zeroValue);
      given.push(value);
    }
    return invoke(...given);
  };
}

const zeroValues: Readonly<Record<ReturnType, CesqlValue>> = { String: '', Integer: 0, Boolean: false };

const casts: Readonly<Record<ParameterType, (value: CesqlValue) => Outcome>> = {
  String,
  Integer: toInteger,
  Boolean: toBoolean,
  Any: (value) => value,
};
