// The expressions in the filters of a declared Trigger. Whoever parses manifests brings the languages: they are a stage's.
import { isMapping, valueAt, type Path } from './path.ts';
import { invalid, show, type Mistake } from './problem.ts';

export type ExpressionDialect = 'cesql' | 'cel';

/** Why an expression can be evaluated on no event; `message` has no full stop, `at` is how many characters stand before it. */
export interface ExpressionFault {
  readonly message: string;
  readonly at?: number | undefined;
}

/** What is wrong with `expression`; undefined for nothing. Never throws. */
export type CheckExpression = (dialect: ExpressionDialect, expression: string) => ExpressionFault | undefined;

const languages = { cesql: 'CloudEvents SQL', cel: 'CEL' } as const satisfies Record<
  ExpressionDialect,
  string
>;

/** A mistake for each expression among the filters of `trigger`, which may be wrong in other ways, that is none. */
export function findWrongExpressions(trigger: unknown, check: CheckExpression): Mistake[] {
  const at = ['spec', 'filters'];
  return below(valueAt(trigger, at), at, check);
}

/** `value` is a filter, a list of filters, or none of them. */
function below(value: unknown, at: Path, check: CheckExpression): Mistake[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => below(item, [...at, index], check));
  if (!isMapping(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (name === 'all' || name === 'any' || name === 'not') return below(inner, [...at, name], check);
    if ((name !== 'cesql' && name !== 'cel') || typeof inner !== 'string') return [];
    const fault = check(name, inner);
    return fault === undefined ? [] : [mistake([...at, name], name, inner, fault)];
  });
}

function mistake(at: Path, dialect: ExpressionDialect, expression: string, fault: ExpressionFault): Mistake {
  const message = `is no ${languages[dialect]}: ${fault.message}${placeOf(fault.at, expression)}`;
  return invalid(at, 'value', message, `\`millrace try --${dialect} EXPR\` tells what it makes of an event.`);
}

function placeOf(at: number | undefined, expression: string): string {
  if (at === undefined) return '';
  return at >= expression.length
    ? ', at its end'
    : `, at ${show(expression.slice(at))} (character ${at + 1})`;
}
