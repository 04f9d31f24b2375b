// JSON Schema of core/resources/schema → the structural schema of a CustomResourceDefinition, which has no references, no recursion,
// no formats of our own, and unique items in sets only.
//
// It has no defaults. The API server would write them into every object, as if its author had. A later release could then not change a
// default, and fields that exclude each other (`port` and `uri`) would both be present. Defaults are filled in when a Trigger is read,
// as for files; here the description names them.
import { expectation, type FieldSchema } from '../core/resources/schema/fields.ts';
import { formatOf, formats, type FormatName, type StringFormat } from '../core/resources/schema/formats.ts';

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

/** What `kubectl explain` shows: what the field is, what is right in it, and its default. */
function descriptionOf(schema: FieldSchema): StructuralSchema {
  const { description, default: value, defaultRule } = schema;
  const fallback = defaultRule ?? (isPlain(value) ? String(value) : undefined);
  const sentences = [
    description,
    description === undefined || saysNothing(schema) ? undefined : `Must be ${expectation(schema)}.`,
    fallback === undefined ? undefined : `Default: ${fallback}.`,
  ];
  const text = sentences.filter((one) => one !== undefined).join(' ');
  return text === '' ? {} : { description: text };
}

/** Whether its type says all that is expected. */
function saysNothing({ type, properties, $ref, notBuilt }: FieldSchema): boolean {
  return type === 'boolean' || properties !== undefined || $ref !== undefined || notBuilt !== undefined;
}

function isPlain(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function rulesAt(path: string, { rules }: SchemaContext): StructuralSchema {
  return validations(rules[path] ?? []);
}

function bounds({ minimum, maximum }: FieldSchema): StructuralSchema {
  return { ...(minimum === undefined ? {} : { minimum }), ...(maximum === undefined ? {} : { maximum }) };
}

function integerOrText(schema: FieldSchema): StructuralSchema {
  const { maxLength, format } = schema;
  const rule = textRule(schema);
  const ofText = rule === undefined ? [] : [{ ...rule, rule: `type(self) == int || ${rule.rule}` }];
  return {
    'x-kubernetes-int-or-string': true,
    ...bounds(schema),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...patternOf(format),
    ...(format === undefined || formatOf(format).rule === undefined ? {} : validations(ofText)),
  };
}

function text(schema: FieldSchema): StructuralSchema {
  const { minLength, maxLength } = schema;
  if (maxLength === undefined) throw new TypeError('each text needs a bound');
  const rule = textRule(schema);
  return {
    type: 'string',
    maxLength,
    ...(minLength === undefined ? {} : { minLength }),
    ...validations(rule === undefined ? [] : [rule]),
  };
}

/** A rule instead of a pattern: the API server reports a pattern as it is, but a rule with its message. */
function textRule({ format, pattern = patternOf(format).pattern, ...schema }: FieldSchema): Rule | undefined {
  if (pattern === undefined) return undefined;
  const { rule: others, mayHoldPassword }: Partial<StringFormat> =
    format === undefined ? {} : formatOf(format);
  const rule = [`self.matches(r'${pattern}')`, others].filter((one) => one !== undefined).join(' && ');
  const message = `must be ${format === undefined ? expectation(schema) : formats[format].expected}`;
  const shown = mayHoldPassword === true ? {} : { messageExpression: `'${message}, is "' + self + '"'` };
  return { rule, message, ...shown };
}

function patternOf(format: FormatName | undefined): { readonly pattern?: string } {
  const pattern = format === undefined ? undefined : formatOf(format).pattern;
  return pattern === undefined ? {} : { pattern };
}

function list(schema: FieldSchema, context: SchemaContext, path: string, depth: number): StructuralSchema {
  const { minItems, maxItems, uniqueItems, items = {} } = schema;
  if (maxItems === undefined) throw new TypeError(`the list ${path} needs a bound`);
  return {
    type: 'array',
    maxItems,
    ...(minItems === undefined ? {} : { minItems }),
    ...(uniqueItems === true ? { 'x-kubernetes-list-type': 'set' } : {}),
    items: structural(items, context, `${path}[]`, depth),
  };
}

function mapping(schema: FieldSchema, context: SchemaContext, path: string, depth: number): StructuralSchema {
  const { properties, required, additionalProperties, minProperties, maxProperties } = schema;
  const counts = {
    ...(minProperties === undefined ? {} : { minProperties }),
    ...(maxProperties === undefined ? {} : { maxProperties }),
  };
  if (properties === undefined && typeof additionalProperties === 'object') {
    if (maxProperties === undefined) throw new TypeError(`the mapping ${path} needs a bound`);
    return {
      type: 'object',
      ...counts,
      ...(depth > 0 ? {} : validations([...(context.rules[path] ?? []), ...nameRules(schema)])),
      additionalProperties: structural(additionalProperties, context, `${path}{}`, depth),
    };
  }
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

/** Not within filters: the API server takes such a rule for too costly in lists of lists. */
function nameRules({ propertyNames, names }: FieldSchema): Rule[] {
  if (propertyNames === undefined || names === undefined) return [];
  const rule = `self.all(name, name.matches(r'${propertyNames.pattern}'))`;
  return [{ rule, message: `each name must be ${names.what}. ${names.remedy}` }];
}

function validations(rules: readonly Rule[]): StructuralSchema {
  return rules.length === 0 ? {} : { 'x-kubernetes-validations': rules };
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
