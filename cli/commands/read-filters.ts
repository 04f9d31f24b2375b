// The filters that `millrace try --filters` is given: a list of them, or manifests with the triggers that have them.
import { parse } from 'yaml';
import { formatProblem } from '../../core/contract/problem.ts';
import { parseManifests } from '../../core/resources/manifests/parse-manifests.ts';
import type { Filter } from '../../core/contract/subscription.ts';
import { checkExpression } from '../../core/expressions/compile-expression.ts';

export type ReadFilters =
  | { readonly kind: 'filters'; readonly filters: readonly Filter[] }
  | { readonly kind: 'triggers'; readonly triggers: readonly { key: string; filters: readonly Filter[] }[] }
  | { readonly kind: 'wrong'; readonly message: string };

/** What `text` of `file`, in YAML or JSON, says. Mistakes are told as `millrace validate` tells them. */
export function readFilters(file: string, text: string): ReadFilters {
  const list = listIn(text);
  const manifest = list === undefined ? text : manifestWith(list);
  const { subscriptions, problems } = parseManifests([{ file, text: manifest }], checkExpression);
  if (problems.length > 0) {
    const lines = problems.map((problem) =>
      // In a list the places are those of a manifest that nobody wrote.
      formatProblem(list === undefined ? problem : { ...problem, line: undefined, column: undefined }),
    );
    return { kind: 'wrong', message: lines.join('\n').replaceAll('spec.filters', 'filters') };
  }
  if (list !== undefined)
    return { kind: 'filters', filters: subscriptions.flatMap(({ filters }) => filters) };
  if (subscriptions.length === 0)
    return { kind: 'wrong', message: `${file} has neither a list of filters nor a Trigger` };
  return { kind: 'triggers', triggers: subscriptions.map(({ key, filters }) => ({ key, filters })) };
}

/** The list, alone or as `filters:`; undefined for anything else. */
function listIn(text: string): unknown {
  try {
    const value: unknown = parse(text);
    if (Array.isArray(value)) return value;
    const isOwn = typeof value === 'object' && value !== null && !Object.hasOwn(value, 'kind');
    return isOwn && 'filters' in value ? value.filters : undefined;
  } catch {
    return undefined; // Several documents, or no YAML: parseManifests says which.
  }
}

function manifestWith(filters: unknown): string {
  return JSON.stringify({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Trigger',
    metadata: { name: 'filters' },
    spec: { source: { topics: ['any'] }, filters, function: { ref: { name: 'any' } } },
  });
}
