// The syntax tree of an expression. A chain of operators of equal precedence is one node with many steps, so a long chain does not make the
// tree deep.
import type { CesqlValue } from './cesql-outcome.ts';

export type LogicOperator = 'AND' | 'OR' | 'XOR';
export type ComparisonOperator = '=' | '!=' | '<>' | '<' | '<=' | '>' | '>=';
export type ArithmeticOperator = '*' | '/' | '%' | '+' | '-';

export interface Step<Operator> {
  readonly operator: Operator;
  readonly operand: Expression;
}

/** `first`, then each operator with its right operand, from left to right. */
export interface Chain<Operator> {
  readonly first: Expression;
  readonly steps: readonly Step<Operator>[];
}

export interface Call {
  readonly kind: 'call';
  /** In upper case. */
  readonly name: string;
  readonly parameters: readonly Expression[];
}

/** Names of attributes are in lower case. A pattern still has its escapes, which LIKE reads. */
export type Expression =
  | { readonly kind: 'literal'; readonly value: CesqlValue }
  | { readonly kind: 'attribute'; readonly name: string }
  | { readonly kind: 'exists'; readonly name: string }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'negate'; readonly operand: Expression }
  | { readonly kind: 'like'; readonly operand: Expression; readonly pattern: string }
  | { readonly kind: 'in'; readonly operand: Expression; readonly elements: readonly Expression[] }
  | Call
  | ({ readonly kind: 'arithmetic' } & Chain<ArithmeticOperator>)
  | ({ readonly kind: 'comparison' } & Chain<ComparisonOperator>)
  | ({ readonly kind: 'logic' } & Chain<LogicOperator>);
