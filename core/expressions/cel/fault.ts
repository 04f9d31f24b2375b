// What can be wrong with a CEL expression, or with an event that it is evaluated on.

/**
 * `parse`: it is no CEL. `unknown`: a name or a function that is not there. `pattern`: a pattern of `matches` that is none.
 * `limit`: too long, too deep, or too much work. `missingAttribute`: the event has no such attribute. `payload`: `data` cannot
 * be read. `evaluation`: any other error of CEL, such as a field that is not there or types that do not go together.
 */
export type CelFaultCode =
  'parse' | 'unknown' | 'pattern' | 'limit' | 'missingAttribute' | 'payload' | 'evaluation';

export interface CelFault {
  readonly code: CelFaultCode;
  /** Without the full stop. Quotes whatever comes from the event. */
  readonly message: string;
  /** Where in the expression: characters before it. */
  readonly at?: number | undefined;
}
