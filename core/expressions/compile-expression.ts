// Compiles a filter expression in either language. On an event it is true, false, or an error.
import type { CloudEvent } from '../contract/event.ts';
import type { ExpressionDialect, ExpressionFault } from '../contract/expressions.ts';
import { compileCel } from './cel/compile-cel.ts';
import { toBoolean } from './cesql/cast.ts';
import { compileCesql } from './cesql/compile-cesql.ts';

/** Why an expression is neither true nor false on an event. The message may quote the event. */
export interface EvaluationFault {
  readonly code: string;
  readonly message: string;
}

export type EvaluateExpression = (event: CloudEvent) => boolean | EvaluationFault;

/** Returns what is wrong with an expression for every event, including functions that do not exist; undefined if it is valid. */
export function checkExpression(dialect: ExpressionDialect, expression: string): ExpressionFault | undefined {
  const read = readExpression(dialect, expression);
  return typeof read === 'function' ? undefined : read;
}

/** Throws a TypeError for an expression that is invalid by `checkExpression`. */
export function compileExpression(dialect: ExpressionDialect, expression: string): EvaluateExpression {
  const read = readExpression(dialect, expression);
  if (typeof read === 'function') return read;
  throw new TypeError(`${dialect} ${expression}: ${read.message}`);
}

function readExpression(
  dialect: ExpressionDialect,
  expression: string,
): EvaluateExpression | ExpressionFault {
  return dialect === 'cel' ? readCel(expression) : readCesql(expression);
}

const noBoolean: EvaluationFault = {
  code: 'noBoolean',
  message: 'the expression evaluates to a value that is neither true nor false',
};

function readCel(expression: string): EvaluateExpression | ExpressionFault {
  const compiled = compileCel(expression);
  if (compiled.kind === 'invalid') return compiled.error;
  return (event) => {
    const result = compiled.evaluate(event);
    if (result.kind === 'error') return result.error;
    return typeof result.value === 'boolean' ? result.value : noBoolean;
  };
}

/** The result is cast to a boolean, because a filter must be one. */
function readCesql(expression: string): EvaluateExpression | ExpressionFault {
  const compiled = compileCesql(expression);
  if (compiled.kind === 'invalid') return compiled.error;
  const { unknownFunctions } = compiled;
  if (unknownFunctions.length > 0)
    return { message: `there is no function ${unknownFunctions.join(', nor ')}` };
  return (event) => {
    const { value, error } = compiled.evaluate(event);
    if (error !== undefined) return error;
    const cast = toBoolean(value);
    return typeof cast === 'boolean' ? cast : cast.error;
  };
}
