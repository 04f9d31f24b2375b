// Reads the filters for `millrace try --filters`: a list of filters, or manifests with triggers.
import { parse } from 'yaml';
import { formatProblem } from '../../core/contract/manifest-problem.ts';
import { parseManifests } from '../../core/resources/manifests/parse-manifests.ts';
import type { Filter } from '../../core/contract/subscription.ts';
import { checkExpression } from '../../core/expressions/compile-expression.ts';

export type ReadFilters =
  | { readonly kind: 'filters'; readonly filters: readonly Filter[] }
  | { readonly kind: 'triggers'; readonly triggers: readonly { key: string; filters: readonly Filter[] }[] }
  | { readonly kind: 'wrong'; readonly message: string };

/** Reads `text` of `file`, in YAML or JSON. Mistakes are reported in the words of `millrace validate`. */
export function readFilters(file: string, text: string): ReadFilters {
  const list = listIn(text);
  const manifest = list === undefined ? text : manifestWith(list);
  const { subscriptions, problems } = parseManifests([{ file, text: manifest }], checkExpression);
  if (problems.length > 0) {
    const lines = problems.map((problem) =>
      // Line and column of a list are dropped: they refer to the manifest that is made around it.
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

/** The list of filters, alone or under `filters:`; undefined for anything else. */
function listIn(text: string): unknown {
  try {
    const value: unknown = parse(text);
    if (Array.isArray(value)) return value;
    const isOwn = typeof value === 'object' && value !== null && !Object.hasOwn(value, 'kind');
    return isOwn && 'filters' in value ? value.filters : undefined;
  } catch {
    return undefined; // several documents, or invalid YAML: parseManifests tells which
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
