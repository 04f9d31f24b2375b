// The expressions in the filters of a declared Trigger. Whoever parses manifests brings the languages (core/expressions).
import type { CheckExpression, ExpressionDialect, ExpressionFault } from '../../contract/expressions.ts';
import { isMapping, valueAt, type Path } from '../../contract/path.ts';
import { invalid, show, type Mistake } from '../../contract/problem.ts';

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
