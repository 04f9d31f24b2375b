// Expressions in the languages that filters may be written in, as far as everybody speaks of them.

export type ExpressionDialect = 'cesql' | 'cel';

/** Why an expression can be evaluated on no event; `message` has no full stop, `at` is how many characters stand before it. */
export interface ExpressionFault {
  readonly message: string;
  readonly at?: number | undefined;
}

/** What is wrong with `expression`; undefined for nothing. Never throws. */
export type CheckExpression = (dialect: ExpressionDialect, expression: string) => ExpressionFault | undefined;
