// Which pods a workload selects, as the labels that a Service can select by. A Service knows equality alone, so a selector that says more is
// refused with the reason: to leave a part of it out would select other pods too.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
import { isMapping } from '../../core/contract/path.ts';

export type PodSelector =
  | { readonly kind: 'labels'; readonly labels: Readonly<Record<string, string>> }
  /** `why` completes `it selects its pods …`. */
  | { readonly kind: 'unsupported'; readonly why: string };

/** Of a selector as a text. Whoever wrote the kind wrote it, and reading it must not take long. */
const longestText = 4_096;

type Label = readonly [key: string, value: string];

/** A LabelSelector: `matchLabels` and `matchExpressions`. */
export function readLabelSelector(selector: unknown): PodSelector {
  if (!isMapping(selector)) return noLabels;
  const { matchLabels, matchExpressions = [], ...others } = selector;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return unsupported(`by \`${unknown}\`, which a Service does not have`);
  const labels: Label[] = [];
  for (const [key, value] of Object.entries(matchLabels ?? {})) labels.push([key, String(value)]);
  for (const expression of matchExpressions as readonly unknown[]) {
    const label = equality(expression);
    if (label === undefined) return byExpression(JSON.stringify(expression));
    labels.push(label);
  }
  return joined(labels);
}

/** The text form, as in `status.selector` of a Scale: `app=mailer,tier in (front)`. */
export function readSelectorText(text: unknown): PodSelector {
  if (typeof text !== 'string' || text.trim() === '')
    return unsupported('by no labels that its scale subresource tells');
  if (text.length > longestText) return unsupported(`by more than ${longestText} characters of labels`);
  const labels: Label[] = [];
  for (const term of text.split(/,(?![^(]*\))/).map((one) => one.trim())) {
    if (term === '') continue;
    const [, key, value, alternative, only = value ?? alternative] =
      /^([\w./-]+)\s*(?:==?\s*([\w.-]*)|\s+in\s*\(\s*([\w.-]*)\s*\))$/.exec(term) ?? [];
    if (key === undefined || only === undefined) return byExpression(term);
    labels.push([key, only]);
  }
  return joined(labels);
}

/** The label of an expression that one label alone can meet. */
function equality(expression: unknown): Label | undefined {
  if (!isMapping(expression)) return undefined;
  const { key, operator, values, ...others } = expression;
  if (operator !== 'In' || !Array.isArray(values) || values.length !== 1) return undefined;
  return Object.keys(others).length === 0 ? [String(key), String(values[0])] : undefined;
}

function joined(labels: readonly Label[]): PodSelector {
  const all = new Map<string, string>();
  for (const [key, value] of labels) {
    const other = all.get(key);
    if (other !== undefined && other !== value)
      return unsupported(`by two values of the label ${key}, so that it selects none`);
    all.set(key, value);
  }
  return all.size === 0 ? noLabels : { kind: 'labels', labels: Object.fromEntries(all) };
}

function byExpression(text: string): PodSelector {
  return unsupported(`by the expression ${text}, and a Service selects by equal labels only`);
}

function unsupported(why: string): PodSelector {
  return { kind: 'unsupported', why };
}

const noLabels = unsupported('by no labels');
