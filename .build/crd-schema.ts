// JSON Schema of core/resources/schema → the structural schema of a CustomResourceDefinition, which has no references, no recursion,
// no formats of our own, and unique items in sets only.
//
// It has no defaults. The API server would write them into every object, as if its author had. A later release could then not change a
// default, and fields that exclude each other (`port` and `uri`) would both be present. Defaults are filled in when a Trigger is read,
// as for files; here the description names them.
import { formatOf, formats, type FormatName } from '../core/resources/schema/formats.ts';
import type { FieldSchema } from '../core/resources/schema/fields.ts';

export type StructuralSchema = Readonly<Record<string, unknown>>;

/** As in `x-kubernetes-validations`. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

/** Path of a field → its rules; `''` is the root. */
export type Rules = Readonly<Record<string, readonly Rule[]>>;

/** Nested filters are written out to this depth. Deeper ones are checked by the gateway alone. */
const filterDepth = 3;
/** Bounds where the schema has none: without them the API server cannot estimate the cost of a rule, and refuses it. */
const mostItems = 256;
const longestText = 4_096;

export interface SchemaContext {
  readonly rules: Rules;
  readonly filter?: FieldSchema;
}

/** The structural schema of `schema`, the field at `path`. */
export function structural(
  schema: FieldSchema,
  context: SchemaContext,
  path = '',
  depth = 0,
): StructuralSchema {
  const described = { ...descriptionOf(schema), ...rulesAt(path, context) };
  if (schema.$ref !== undefined) return { ...described, ...filterAt(context, path, depth) };
  const types = [schema.type].flat();
  if (types.includes('integer') && types.includes('string'))
    return { ...described, ...integerOrText(schema) };
  switch (types[0]) {
    case 'integer':
      return { ...described, type: 'integer', format: 'int32', ...bounds(schema) };
    case 'boolean':
      return { ...described, type: 'boolean' };
    case 'array':
      return { ...described, ...list(schema, context, path, depth) };
    case 'object':
      return { ...described, ...mapping(schema, context, path, depth) };
    case 'string':
      return { ...described, ...text(schema) };
    default:
      if (schema.enum !== undefined) return { ...described, type: 'string', enum: schema.enum };
      return { ...described, 'x-kubernetes-preserve-unknown-fields': true };
  }
}

function descriptionOf({ description, default: value, defaultRule }: FieldSchema): StructuralSchema {
  const fallback = defaultRule ?? (isPlain(value) ? String(value) : undefined);
  const sentences = [description, fallback === undefined ? undefined : `Default: ${fallback}.`];
  const text = sentences.filter((one) => one !== undefined).join(' ');
  return text === '' ? {} : { description: text };
}

function isPlain(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function rulesAt(path: string, { rules }: SchemaContext): StructuralSchema {
  const found = rules[path];
  return found === undefined ? {} : { 'x-kubernetes-validations': found };
}

function bounds({ minimum, maximum }: FieldSchema): StructuralSchema {
  return { ...(minimum === undefined ? {} : { minimum }), ...(maximum === undefined ? {} : { maximum }) };
}

function integerOrText(schema: FieldSchema): StructuralSchema {
  return { 'x-kubernetes-int-or-string': true, ...bounds(schema), ...patternOf(schema.format) };
}

function text(schema: FieldSchema & { readonly pattern?: string }): StructuralSchema {
  const { minLength, pattern, format } = schema;
  return {
    type: 'string',
    maxLength: longestText,
    ...(minLength === undefined ? {} : { minLength }),
    ...(pattern === undefined ? formatRule(format) : { pattern }),
    ...(format === 'topic-name' ? { maxLength: 249 } : {}),
    ...(format === 'dns-label' || format === 'namespace-or-any' ? { maxLength: 63 } : {}),
    ...(format === 'dns-name' ? { maxLength: 253 } : {}),
    ...(format === 'cluster-name' ? { maxLength: 63 + 1 + 253 } : {}),
  };
}

/** A rule instead of a pattern: the API server reports a pattern as it is, but a rule with its message. */
function formatRule(format: FormatName | undefined): StructuralSchema {
  const { pattern } = patternOf(format);
  if (format === undefined || pattern === undefined) return {};
  const message = `must be ${formats[format].expected}`;
  const rule: Rule = { rule: `self.matches(r'${pattern}')`, message };
  const shown =
    formatOf(format).mayHoldPassword === true ? {} : { messageExpression: `'${message}, is "' + self + '"'` };
  return { 'x-kubernetes-validations': [{ ...rule, ...shown }] };
}

function patternOf(format: FormatName | undefined): { readonly pattern?: string } {
  const pattern = format === undefined ? undefined : formatOf(format).pattern;
  return pattern === undefined ? {} : { pattern };
}

function list(schema: FieldSchema, context: SchemaContext, path: string, depth: number): StructuralSchema {
  const { minItems, uniqueItems, notBuilt } = schema as FieldSchema & {
    readonly minItems?: number;
    readonly uniqueItems?: boolean;
  };
  const items = schema.items ?? {};
  return {
    type: 'array',
    maxItems: notBuilt === undefined ? mostItems : 0,
    ...(minItems === undefined ? {} : { minItems }),
    ...(uniqueItems === true ? { 'x-kubernetes-list-type': 'set' } : {}),
    items: structural(items, context, `${path}[]`, depth),
  };
}

function mapping(schema: FieldSchema, context: SchemaContext, path: string, depth: number): StructuralSchema {
  const { properties, required, additionalProperties, minProperties, maxProperties } =
    schema as FieldSchema & { readonly minProperties?: number; readonly maxProperties?: number };
  const counts = {
    ...(minProperties === undefined ? {} : { minProperties }),
    ...(maxProperties === undefined ? {} : { maxProperties }),
  };
  if (properties === undefined && typeof additionalProperties === 'object')
    return {
      type: 'object',
      ...counts,
      additionalProperties: structural(additionalProperties, context, `${path}{}`, depth),
    };
  const below = Object.entries(properties ?? {}).map(([name, one]) => [
    name,
    structural(one, context, path === '' ? name : `${path}.${name}`, depth),
  ]);
  return {
    type: 'object',
    ...counts,
    properties: Object.fromEntries(below) as StructuralSchema,
    ...(required === undefined || required.length === 0 ? {} : { required }),
  };
}

/** A filter, written out down to `filterDepth`. */
function filterAt(context: SchemaContext, path: string, depth: number): StructuralSchema {
  if (context.filter === undefined)
    throw new TypeError(`${path} refers to a filter, but the context has none`);
  if (depth >= filterDepth) return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const { description: _, ...filter } = structural(context.filter, context, path, depth + 1) as Record<
    string,
    unknown
  >;
  return filter;
}
