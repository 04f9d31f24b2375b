// The second front door: annotations on a Deployment, each of which means a field of the table in fields.ts.
import { fieldTable, type Field } from './schema/fields.ts';
import { nearest } from '../contract/nearest-name.ts';
import { isMapping, valueAt, type Path } from '../contract/path.ts';
import { invalid, show, type Mistake } from '../contract/problem.ts';
import { annotationPrefix, apiVersion } from './schema/trigger-schema.ts';
import { triggerWording, type Wording } from './validation/wording.ts';

export interface Annotation {
  /** `millrace.dev/retry`. */
  readonly key: string;
  readonly field: Field;
}

/** Every annotation, in the order of the fields that they mean. */
export const annotationTable: readonly Annotation[] = fieldTable.flatMap((field) =>
  field.annotation === undefined ? [] : [{ key: annotationPrefix + field.annotation, field }],
);

export const topicsAnnotation = `${annotationPrefix}topics`;

/** The annotations of Millrace on a manifest, right or wrong; none where its metadata is none. */
export function annotationsOf(manifest: unknown): [key: string, value: unknown][] {
  const annotations = valueAt(manifest, ['metadata', 'annotations']);
  return isMapping(annotations)
    ? Object.entries(annotations).filter(([key]) => key.startsWith(annotationPrefix))
    : [];
}

/** Whether a Deployment has the annotation that makes it a function. */
export function hasOptedIn(deployment: unknown): boolean {
  return annotationsOf(deployment).some(([key]) => key === topicsAnnotation);
}

export function annotationPath(key: string): Path {
  return ['metadata', 'annotations', key];
}

/**
 * The Trigger that the annotations of a Deployment mean, not yet validated, and the mistakes in the
 * annotations as such.
 */
export function declareByAnnotations(deployment: unknown): { declared: unknown; mistakes: Mistake[] } {
  const name = valueAt(deployment, ['metadata', 'name']);
  const namespace = valueAt(deployment, ['metadata', 'namespace']);
  const declared = {
    apiVersion,
    kind: 'Trigger',
    metadata: { ...(name === undefined ? {} : { name }), ...(namespace === undefined ? {} : { namespace }) },
    // With a wrong name nothing more is said of the reference that is made of it.
    spec: { source: {}, function: { ref: { apiVersion: 'apps/v1', kind: 'Deployment', name } } },
  };
  const mistakes: Mistake[] = [];
  for (const [key, value] of annotationsOf(deployment)) {
    const annotation = annotationTable.find((candidate) => candidate.key === key);
    if (annotation === undefined) mistakes.push(unknownAnnotation(key));
    else if (typeof value === 'string')
      place(declared, annotation.field.steps, convert(value, annotation.field));
    else mistakes.push(noText(key, value));
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
    'is no annotation of Millrace',
    meant === undefined
      ? 'docs/reference/annotations.md lists them.'
      : `Did you mean \`${annotationPrefix}${meant}\`?`,
  );
}

export function noText(key: string, value: unknown): Mistake {
  const scalar = typeof value === 'number' || typeof value === 'boolean';
  const remedy = scalar
    ? `Write it in quotes: \`${key}: "${value}"\`.`
    : `Write one text: ${annotationExample(key)}.`;
  return invalid(
    annotationPath(key),
    'value',
    `must be a text, as all annotations are, is ${show(value)}`,
    remedy,
  );
}

/**
 * The value that an annotation's text stands for; a text that stands for none is left to the schema to
 * refuse.
 */
function convert(text: string, { schema }: Field): unknown {
  const types = [schema.type].flat();
  if (types.includes('integer')) return /^-?\d+$/.test(text) ? Number(text) : text;
  if (types.includes('boolean')) return text === 'true' || text === 'false' ? text === 'true' : text;
  if (types.includes('array')) return text === '' ? [] : text.split(',').map((item) => item.trim());
  return text;
}

/** Puts `value` where `steps` lead, making the mappings and lists on the way. */
function place(root: object, steps: Path, value: unknown): void {
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
 * Where a field of the Trigger that annotations mean was written: at its annotation, else on the Deployment,
 * which `ref` names.
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

/** The annotation that means the field at `at`, or something within it. */
function annotationAt(at: Path): Annotation | undefined {
  return annotationTable.find(({ field }) => field.steps.every((step, index) => step === at[index]));
}

/** `millrace.dev/topics: "orders, payments"`, in backquotes. */
function annotationExample(key: string, value?: unknown): string {
  const schema = annotationTable.find((annotation) => annotation.key === key)?.field.schema;
  const shown = value ?? schema?.example ?? schema?.default;
  return `\`${key}: "${Array.isArray(shown) ? shown.join(', ') : (shown as string)}"\``;
}
