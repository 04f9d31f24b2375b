// Compiles the filters of a trigger (CloudEvents Subscriptions API, draft, section 3.2.4) to one function on events.
import { attributeOf } from '../../core/contract/event.ts';
import type { CloudEvent } from '../../core/contract/event.ts';
import type { ExpressionDialect } from '../../core/contract/expressions.ts';
import { pathText, type Path } from '../../core/contract/path.ts';
import type { FilterFault } from '../../core/contract/gateway-events.ts';
import type { Filter } from '../../core/contract/subscription.ts';
import { compileExpression } from '../../core/expressions/compile-expression.ts';

export type Matches = (event: CloudEvent) => boolean;

/** Called for each expression that cannot be evaluated on an event: the event does not pass it. */
export type OnFault = (fault: FilterFault) => void;

const always: Matches = () => true;

/**
 * Returns a function that is true for events that pass all `filters`; without filters every event passes. Values are compared as text,
 * and case counts. An attribute that is not set matches nothing, and neither does an expression that cannot be evaluated, so `not` of
 * either is true.
 */
export function compileFilter(filters: readonly Filter[], onFault: OnFault): Matches {
  return every(compileAll(filters, ['filters'], onFault));
}

function compileAll(filters: readonly Filter[], at: Path, onFault: OnFault): Matches[] {
  return filters.map((filter, index) => compile(filter, [...at, index], onFault));
}

function compile(filter: Filter, at: Path, onFault: OnFault): Matches {
  switch (filter.kind) {
    case 'exact':
      return every(attributeTests(filter.attributes, (expected) => (value) => value === expected));
    case 'prefix':
      return every(attributeTests(filter.attributes, (expected) => (value) => value.startsWith(expected)));
    case 'suffix':
      return every(attributeTests(filter.attributes, (expected) => (value) => value.endsWith(expected)));
    case 'all':
      return every(compileAll(filter.filters, [...at, 'all'], onFault));
    case 'any':
      return some(compileAll(filter.filters, [...at, 'any'], onFault));
    case 'not': {
      const inner = compile(filter.filter, [...at, 'not'], onFault);
      return (event) => !inner(event);
    }
    case 'cesql':
    case 'cel':
      return expressionTest(filter.kind, filter.expression, pathText(at), onFault);
  }
}

function expressionTest(
  dialect: ExpressionDialect,
  expression: string,
  path: string,
  onFault: OnFault,
): Matches {
  const evaluate = compileExpression(dialect, expression);
  return (event) => {
    const verdict = evaluate(event);
    if (typeof verdict === 'boolean') return verdict;
    onFault({ path, dialect, code: verdict.code });
    return false;
  };
}

function attributeTests(
  attributes: Readonly<Record<string, string>>,
  compare: (expected: string) => (value: string) => boolean,
): Matches[] {
  return Object.entries(attributes).map(([name, expected]) => {
    const test = compare(expected);
    const textOf = attributeText(name);
    return (event) => {
      const text = textOf(event);
      return text !== undefined && test(text);
    };
  });
}

/** Reads the attribute `name` in its string form. The attributes that filters use most need no look-up. */
function attributeText(name: string): (event: CloudEvent) => string | undefined {
  switch (name) {
    case 'type':
      return (event) => event.type;
    case 'source':
      return (event) => event.source;
    case 'subject':
      return (event) => event.subject;
    default:
      return (event) => {
        const value = attributeOf(event, name);
        return value === undefined ? undefined : String(value);
      };
  }
}

function every(tests: readonly Matches[]): Matches {
  const [first, second] = tests;
  if (first === undefined) return always;
  if (second === undefined) return first;
  return (event) => {
    for (const test of tests) if (!test(event)) return false;
    return true;
  };
}

function some(tests: readonly Matches[]): Matches {
  const [first] = tests;
  if (first !== undefined && tests.length === 1) return first;
  return (event) => {
    for (const test of tests) if (test(event)) return true;
    return false;
  };
}
