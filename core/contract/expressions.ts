// The languages of filter expressions, and the port to check an expression. core/expressions implements it.

export type ExpressionDialect = 'cesql' | 'cel';

/** Why an expression is invalid for every event. `message` has no full stop; `at` is the number of characters before the mistake. */
export interface ExpressionFault {
  readonly message: string;
  readonly at?: number | undefined;
}

/** Returns what is wrong with `expression`, or undefined if it is valid. Never throws. */
export type CheckExpression = (dialect: ExpressionDialect, expression: string) => ExpressionFault | undefined;
