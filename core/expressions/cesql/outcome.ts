// What evaluating gives: a value, or the error that ended it together with the value that stands in (CESQL 1.0, section 3.3).

export type CesqlValue = string | number | boolean;

/** The names that the conformance tests of the specification give its errors. */
export type CesqlErrorCode =
  'parse' | 'math' | 'cast' | 'missingAttribute' | 'missingFunction' | 'functionEvaluation' | 'generic';

export interface CesqlError {
  readonly code: CesqlErrorCode;
  readonly message: string;
  /** Position in the expression, in UTF-16 units from 0. Parse errors alone have one. */
  readonly at?: number;
}

/** With an `error`, `value` is what the specification puts in its place: mostly the zero value of the type. */
export interface CesqlResult {
  readonly value: CesqlValue;
  readonly error?: CesqlError;
}

/** The only object among the outcomes, so that `typeof outcome === 'object'` tells it apart. */
export interface Failure {
  readonly value: CesqlValue;
  readonly error: CesqlError;
}

export type Outcome<Value extends CesqlValue = CesqlValue> = Value | Failure;

export function failure(code: CesqlErrorCode, message: string, value: CesqlValue): Failure {
  return { value, error: { code, message } };
}

/** The failure of an operand as that of its operator, whose result has another zero value. */
export function withValue(failed: Failure, value: CesqlValue): Failure {
  return failed.value === value ? failed : { value, error: failed.error };
}

/** A value as messages show it: no longer than a line. */
export function quote(value: CesqlValue): string {
  if (typeof value !== 'string') return String(value);
  return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
}
