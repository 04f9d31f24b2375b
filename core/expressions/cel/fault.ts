// The faults of a CEL expression, and of an event that it is evaluated on.

/**
 * `parse`: not CEL. `unknown`: a name or a function that does not exist. `pattern`: an invalid pattern of `matches`. `limit`: too long, too
 * deep, or too costly. `missingAttribute`: the event has no such attribute. `payload`: `data` cannot be read. `evaluation`: any other error
 * of CEL, such as a field that does not exist, or types that do not fit.
 */
export type CelFaultCode =
  'parse' | 'unknown' | 'pattern' | 'limit' | 'missingAttribute' | 'payload' | 'evaluation';

export interface CelFault {
  readonly code: CelFaultCode;
  /** Without the full stop. It may quote the event. */
  readonly message: string;
  /** The position in the expression: the number of characters before the fault. */
  readonly at?: number | undefined;
}
