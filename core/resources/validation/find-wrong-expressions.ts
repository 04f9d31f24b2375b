// Finds the expressions in the filters of a declared Trigger that do not compile. The caller brings the languages (core/expressions), so
// that core/resources need not import them.
import type { CheckExpression, ExpressionDialect, ExpressionFault } from '../../contract/expressions.ts';
import { isMapping, valueAt, type Path } from '../../contract/path.ts';
import { invalid, show, type Mistake } from '../../contract/manifest-problem.ts';

const languages = { cesql: 'CloudEvents SQL', cel: 'CEL' } as const satisfies Record<
  ExpressionDialect,
  string
>;

/** One mistake for each expression that does not compile. `trigger` may have other mistakes too. */
export function findWrongExpressions(trigger: unknown, check: CheckExpression): Mistake[] {
  const at = ['spec', 'filters'];
  return below(valueAt(trigger, at), at, check);
}

/** `value` may be a filter, a list of filters, or anything else, in which no expression is found. */
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
  const message = `is not valid ${languages[dialect]}: ${fault.message}${placeOf(fault.at, expression)}`;
  const remedy = `Correct it. \`millrace try --${dialect} EXPR\` shows what an expression gives for an event.`;
  return invalid(at, 'value', message, remedy);
}

function placeOf(at: number | undefined, expression: string): string {
  if (at === undefined) return '';
  return at >= expression.length
    ? ', at its end'
    : `, at ${show(expression.slice(at))} (character ${at + 1})`;
}
