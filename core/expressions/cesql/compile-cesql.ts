// CloudEvents SQL 1.0: an expression is compiled once, and then evaluated on each event.
// https://github.com/cloudevents/spec/blob/cesql@v1.0.0/cesql/spec.md
import type { CloudEvent } from '../../contract/event.ts';
import { evaluator } from './evaluate.ts';
import type { Call } from './syntax-tree.ts';
import { findFunction, isFunctionName } from './cesql-functions.ts';
import type { CesqlError, CesqlResult } from './cesql-outcome.ts';
import { parse } from './parse.ts';

export type { CesqlError, CesqlErrorCode, CesqlResult, CesqlValue } from './cesql-outcome.ts';

export type CompiledCesql =
  | {
      readonly kind: 'compiled';
      /** Never throws. The first error ends the evaluation. */
      evaluate(event: CloudEvent): CesqlResult;
      /**
       * Calls of functions that do not exist, such as `FOO`, or `LEFT with 1 parameter` if the function takes another number. By the
       * specification they are an error of each evaluation, not of the expression.
       */
      readonly unknownFunctions: readonly string[];
    }
  | { readonly kind: 'invalid'; readonly error: CesqlError };

const isTrue: CesqlResult = { value: true };
const isFalse: CesqlResult = { value: false };

/**
 * Compiles `source`, of at most 4096 characters. As a filter, an event passes if the result is `true` and has no error (section 1.2).
 */
export function compileCesql(source: string): CompiledCesql {
  const parsed = parse(source);
  if (parsed.kind === 'invalid') return parsed;
  const evaluate = evaluator(parsed.expression);
  return {
    kind: 'compiled',
    evaluate(event) {
      const outcome = evaluate(event);
      if (outcome === true) return isTrue;
      if (outcome === false) return isFalse;
      return typeof outcome === 'object' ? outcome : { value: outcome };
    },
    unknownFunctions: [...new Set(parsed.calls.flatMap(unknown))],
  };
}

function unknown({ name, parameters: { length } }: Call): string[] {
  if (findFunction(name, length) !== undefined) return [];
  return isFunctionName(name) ? [`${name} with ${length} parameter${length === 1 ? '' : 's'}`] : [name];
}
