// Explains to people which filter refuses an event, and why. It decides as `compile-filter.ts` does, and need not be fast.
import { attributeOf, type CloudEvent } from '../../core/contract/event.ts';
import { pathText, type Path } from '../../core/contract/path.ts';
import type { Filter } from '../../core/contract/subscription.ts';
import { compileExpression, type EvaluationFault } from '../../core/expressions/compile-expression.ts';

export interface Refusal {
  /** Such as `filters[1].all[0]`: the innermost filter that alone refuses the event. */
  readonly path: string;
  readonly filter: Filter;
  /** It quotes the event. */
  readonly why: string;
  /** Present where an expression could not be evaluated. */
  readonly error?: EvaluationFault | undefined;
}

/** The first of `filters` that does not let `event` pass; undefined where all do. */
export function explainRefusal(filters: readonly Filter[], event: CloudEvent): Refusal | undefined {
  return firstRefusal(filters, ['filters'], event);
}

function firstRefusal(filters: readonly Filter[], at: Path, event: CloudEvent): Refusal | undefined {
  for (const [index, filter] of filters.entries()) {
    const refusal = explain(filter, [...at, index], event);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function explain(filter: Filter, at: Path, event: CloudEvent): Refusal | undefined {
  switch (filter.kind) {
    case 'exact':
    case 'prefix':
    case 'suffix': {
      const why = explainAttributes(filter.kind, filter.attributes, event);
      return why === undefined ? undefined : refusal(filter, at, why);
    }
    case 'all':
      return firstRefusal(filter.filters, [...at, 'all'], event);
    case 'any': {
      const refusals = filter.filters.map((one, index) => explain(one, [...at, 'any', index], event));
      const reasons = refusals.filter((one) => one !== undefined).map(({ path, why }) => `${path}: ${why}`);
      if (reasons.length < refusals.length) return undefined;
      return refusal(filter, at, `none of them passes: ${reasons.join('; ')}`);
    }
    case 'not':
      if (explain(filter.filter, [...at, 'not'], event) !== undefined) return undefined;
      return refusal(filter, at, 'the event passes the filter that it must not pass');
    case 'cesql':
    case 'cel': {
      const verdict = compileExpression(filter.kind, filter.expression)(event);
      if (verdict === true) return undefined;
      if (verdict === false) return refusal(filter, at, 'the expression evaluates to false');
      const { code, message } = verdict;
      return {
        ...refusal(filter, at, `the expression cannot be evaluated: ${message}`),
        error: { code, message },
      };
    }
  }
}

function refusal(filter: Filter, at: Path, why: string): Refusal {
  return { path: pathText(at), filter, why };
}

const comparisons = {
  exact: { test: (value: string, expected: string) => value === expected, what: 'is not' },
  prefix: {
    test: (value: string, expected: string) => value.startsWith(expected),
    what: 'does not begin with',
  },
  suffix: { test: (value: string, expected: string) => value.endsWith(expected), what: 'does not end with' },
} as const;

function explainAttributes(
  kind: keyof typeof comparisons,
  attributes: Readonly<Record<string, string>>,
  event: CloudEvent,
): string | undefined {
  const { test, what } = comparisons[kind];
  for (const [name, expected] of Object.entries(attributes)) {
    const value = attributeOf(event, name);
    if (value === undefined) return `the event has no attribute ${name}`;
    if (!test(String(value), expected))
      return `${name} is ${JSON.stringify(String(value))}, which ${what} ${JSON.stringify(expected)}`;
  }
  return undefined;
}
