// The outcome of an evaluation: a value, or the error that ended it, together with a substitute value (CESQL 1.0, section 3.3).

export type CesqlValue = string | number | boolean;

/** The names that the conformance tests of the specification give its errors. */
export type CesqlErrorCode =
  'parse' | 'math' | 'cast' | 'missingAttribute' | 'missingFunction' | 'functionEvaluation' | 'generic';

export interface CesqlError {
  readonly code: CesqlErrorCode;
  readonly message: string;
  /** Position in the expression, in UTF-16 units from 0. Only parse errors have one. */
  readonly at?: number;
}

/** With an `error`, `value` is the substitute that the specification defines: mostly the zero value of the type. */
export interface CesqlResult {
  readonly value: CesqlValue;
  readonly error?: CesqlError;
}

/** The only outcome that is an object, so `typeof outcome === 'object'` detects it. */
export interface Failure {
  readonly value: CesqlValue;
  readonly error: CesqlError;
}

export type Outcome<Value extends CesqlValue = CesqlValue> = Value | Failure;

export function failure(code: CesqlErrorCode, message: string, value: CesqlValue): Failure {
  return { value, error: { code, message } };
}

/** The failure of an operand as the failure of its operator, which may have another zero value. */
export function withValue(failed: Failure, value: CesqlValue): Failure {
  return failed.value === value ? failed : { value, error: failed.error };
}

/** A value for a message: no longer than a line. */
export function quote(value: CesqlValue): string {
  if (typeof value !== 'string') return String(value);
  return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
}
