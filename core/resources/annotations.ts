// Annotations on a Deployment, which declare a Trigger: each annotation sets one field of the table in schema/fields.ts.
import { fieldTable, type Field } from './schema/fields.ts';
import { nearest } from '../contract/nearest-name.ts';
import { isMapping, valueAt, type Path } from '../contract/path.ts';
import { invalid, show, type Mistake } from '../contract/manifest-problem.ts';
import { annotationPrefix, apiVersion } from './schema/trigger-schema.ts';
import { triggerWording, type Wording } from './validation/wording.ts';

export interface Annotation {
  /** `millrace.dev/retry`. */
  readonly key: string;
  readonly field: Field;
}

/** Every annotation, in the order of the fields that they set. */
export const annotationTable: readonly Annotation[] = fieldTable.flatMap((field) =>
  field.annotation === undefined ? [] : [{ key: annotationPrefix + field.annotation, field }],
);

const fieldByKey = new Map(annotationTable.map(({ key, field }) => [key, field]));

export const topicsAnnotation = `${annotationPrefix}topics`;

/** Finding the right name for each takes time. */
const mostUnknown = 100;

/** The annotations on `manifest` with Millrace's prefix, the first unknown ones too; none if its metadata is not a mapping. */
export function annotationsOf(manifest: unknown): [key: string, value: unknown][] {
  const annotations = valueAt(manifest, ['metadata', 'annotations']);
  if (!isMapping(annotations)) return [];
  let unknown = 0;
  return Object.entries(annotations).filter(([key]) => {
    if (!key.startsWith(annotationPrefix)) return false;
    return fieldByKey.has(key) || (unknown += 1) <= mostUnknown;
  });
}

/** Whether a Deployment has `millrace.dev/topics`, which makes it a function. */
export function hasOptedIn(deployment: unknown): boolean {
  return valueAt(deployment, annotationPath(topicsAnnotation)) !== undefined;
}

export function annotationPath(key: string): Path {
  return ['metadata', 'annotations', key];
}

/** The Trigger that the annotations of a Deployment declare, not validated yet; and the annotations that are unknown or no strings. */
export function declareByAnnotations(deployment: unknown): { declared: unknown; mistakes: Mistake[] } {
  const name = valueAt(deployment, ['metadata', 'name']);
  const namespace = valueAt(deployment, ['metadata', 'namespace']);
  const declared = {
    apiVersion,
    kind: 'Trigger',
    metadata: { ...(name === undefined ? {} : { name }), ...(namespace === undefined ? {} : { namespace }) },
    // `name` may be missing or wrong. That is reported once, for the name, and not for the reference as well.
    spec: { source: {}, function: { ref: { apiVersion: 'apps/v1', kind: 'Deployment', name } } },
  };
  const mistakes: Mistake[] = [];
  for (const [key, value] of annotationsOf(deployment)) {
    const field = fieldByKey.get(key);
    if (field === undefined) mistakes.push(unknownAnnotation(key));
    else if (typeof value === 'string') setAt(declared, field.steps, convert(value, field));
    else mistakes.push(notAString(key, value));
  }
  return { declared, mistakes };
}

export function unknownAnnotation(key: string): Mistake {
  const meant = nearest(
    key.slice(annotationPrefix.length),
    fieldTable.flatMap(({ annotation }) => annotation ?? []),
  );
  return invalid(
    annotationPath(key),
    'key',
    'is not an annotation of Millrace',
    meant === undefined
      ? 'docs/reference/annotations.md lists them.'
      : `Did you mean \`${annotationPrefix}${meant}\`?`,
  );
}

export function notAString(key: string, value: unknown): Mistake {
  const scalar = typeof value === 'number' || typeof value === 'boolean';
  const remedy = scalar
    ? `Write it in quotes: \`${key}: "${value}"\`.`
    : `Write a string: ${annotationExample(key)}.`;
  return invalid(
    annotationPath(key),
    'value',
    `must be a string, as all annotations are, is ${show(value)}`,
    remedy,
  );
}

/** The value that the text of an annotation means. A text without a meaning stays as it is, and the schema refuses it. */
function convert(text: string, { schema }: Field): unknown {
  const types = [schema.type].flat();
  if (types.includes('integer')) return /^-?\d+$/.test(text) ? Number(text) : text;
  if (types.includes('boolean')) return text === 'true' || text === 'false' ? text === 'true' : text;
  if (types.includes('array')) return text === '' ? [] : text.split(',').map((item) => item.trim());
  return text;
}

/** Sets `value` at the path `steps`, and creates the mappings and lists on the way. */
function setAt(root: object, steps: Path, value: unknown): void {
  let within = root as Record<string | number, unknown>;
  for (const [index, step] of steps.entries()) {
    if (index === steps.length - 1) within[step] = value;
    else
      within = (within[step] ??= typeof steps[index + 1] === 'number' ? [] : {}) as Record<
        string | number,
        unknown
      >;
  }
}

/**
 * The path in the Deployment that a mistake at `at` in the declared Trigger comes from: its annotation, else the name of the Deployment
 * for the function, else `millrace.dev/topics`.
 */
export function annotatedPath(at: Path): Path {
  const annotation = annotationAt(at);
  if (annotation !== undefined) return annotationPath(annotation.key);
  if (at[1] === 'function') return ['metadata', 'name'];
  return at[0] === 'metadata' ? at : annotationPath(topicsAnnotation);
}

export const annotationWording: Wording = {
  name: (at) => annotationAt(at)?.key ?? triggerWording.name(at),
  example: (at, value) => {
    const annotation = annotationAt(at);
    return annotation === undefined
      ? triggerWording.example(at, value)
      : annotationExample(annotation.key, value);
  },
};

/** The annotation that sets the field at `at`, or a field above it. */
function annotationAt(at: Path): Annotation | undefined {
  return annotationTable.find(({ field }) => field.steps.every((step, index) => step === at[index]));
}

/** `millrace.dev/topics: "orders, payments"`, in backquotes. */
function annotationExample(key: string, value?: unknown): string {
  const schema = fieldByKey.get(key)?.schema;
  const shown = value ?? schema?.example ?? schema?.default;
  return `\`${key}: "${Array.isArray(shown) ? shown.join(', ') : (shown as string)}"\``;
}
