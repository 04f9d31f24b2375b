// Validates a declared resource against its schema: fills in the defaults, and reports every mistake at once, in plain words.
import { Ajv, type ErrorObject } from 'ajv';
import type { TSchema } from 'typebox';
import { expectation, type Field, type FieldSchema } from '../schema/fields.ts';
import { maxAnnotationBytes } from '../schema/metadata-schema.ts';
import { formatOf, formats } from '../schema/formats.ts';
import { nearest } from '../../contract/nearest-name.ts';
import { isMapping, pathText, type Path } from '../../contract/path.ts';
import { invalid, show, withoutCredentials, type Mistake } from '../../contract/manifest-problem.ts';
import { noteKeywords, type NameNotes, type NotBuilt } from '../schema/schema-notes.ts';
import { findExcess } from './size-limit.ts';
import type { Wording } from './wording.ts';

const ajv = new Ajv({
  allErrors: true,
  useDefaults: true,
  strict: true,
  verbose: true,
  allowUnionTypes: true,
});
// A text that is too long is reported as that. What it says is not read: a text has no bound in time but that of its length. A character may
// have two UTF-16 units.
for (const [name, { test, maxLength }] of Object.entries(formats))
  ajv.addFormat(name, (text: string) => text.length > 2 * maxLength || test(text));
ajv.addVocabulary([...noteKeywords]);
ajv.addKeyword({
  keyword: 'notBuilt',
  errors: false,
  validate: (notBuilt: NotBuilt, value: unknown) =>
    'except' in notBuilt && JSON.stringify(value) === JSON.stringify(notBuilt.except),
});

/** Returns the mistakes in `declared`, and `filled`: a copy with defaults, as far as its shape allows. */
export type ValidateBySchema = (
  declared: unknown,
  wording: Wording,
) => { readonly filled: unknown; readonly mistakes: readonly Mistake[] };

/** Rules between fields, which a schema cannot express: the mistakes in `declared`; `filled` is the same with defaults. */
export type FieldRules = (declared: unknown, filled: unknown, wording: Wording) => readonly Mistake[];

export interface SchemaValidatorOptions {
  readonly schema: TSchema;
  /** The fields of `schema`. */
  readonly table: readonly Field[];
  /** Where the schema finds a mistake, none of these is reported for the same path. */
  readonly rules?: FieldRules;
  /** How many bytes of names and values `spec` may hold. A larger one is not read further. */
  readonly maxSpecBytes: number;
}

/** The validator does not change its input, which must hold no cycles. */
export function createSchemaValidator(options: SchemaValidatorOptions): ValidateBySchema {
  const { schema, table, rules = () => [], maxSpecBytes } = options;
  const validate = ajv.compile(schema);
  return (declared, wording) => {
    const excess = findExcess(declared, ['spec'], maxSpecBytes);
    const filled: unknown = structuredClone(
      excess === undefined ? declared : { ...(declared as object), spec: {} },
    );
    validate(filled);
    if (excess !== undefined) return { filled, mistakes: [excess] };
    const heavy = findExcess(declared, ['metadata', 'annotations'], maxAnnotationBytes);
    const found = [
      ...(heavy === undefined ? [] : [heavy]),
      ...describeErrors(validate.errors ?? [], filled, wording, table),
    ];
    const known = new Set(found.map(({ at }) => pathText(at)));
    const others = rules(declared, filled, wording).filter(({ at }) => !known.has(pathText(at)));
    return { filled, mistakes: [...found, ...others] };
  };
}

/** Each takes time, because the right name is looked for. */
const mostMistakes = 100;

/** One mistake per path. `notBuilt` goes first: a field that is not built is not also reported for its type. */
function describeErrors(
  errors: readonly ErrorObject[],
  value: unknown,
  wording: Wording,
  table: readonly Field[],
): Mistake[] {
  const byPlace = new Map<string, Mistake>();
  for (const error of errors) {
    const mistake = describeError(error, stepsOf(error.instancePath, value), wording, table);
    if (mistake === undefined) continue;
    const place = pathText(mistake.at);
    if (!byPlace.has(place) || error.keyword === 'notBuilt') byPlace.set(place, mistake);
    if (byPlace.size < mostMistakes) continue;
    byPlace.set(
      '',
      invalid([], 'value', `has more mistakes than these ${mostMistakes}`, 'Correct these first.'),
    );
    break;
  }
  return [...byPlace.values()];
}

/** A JSON pointer as a path. Steps into lists are numbers. */
function stepsOf(pointer: string, value: unknown): Path {
  let within = value;
  return pointer
    .split('/')
    .slice(1)
    .map((part) => {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const step = Array.isArray(within) ? Number(name) : name;
      within = (within as Record<string | number, unknown>)[step];
      return step;
    });
}

function describeError(
  error: ErrorObject,
  at: Path,
  wording: Wording,
  table: readonly Field[],
): Mistake | undefined {
  const params = error.params as Readonly<Record<string, unknown>>;
  const schema = error.parentSchema as FieldSchema;
  switch (error.keyword) {
    case 'required':
      return missing([...at, String(params.missingProperty)], schema, wording);
    case 'additionalProperties':
      return unknownField([...at, String(params.additionalProperty)], schema, table);
    case 'propertyNames':
      return wrongName([...at, String(params.propertyName)], schema);
    case 'notBuilt':
      return notBuilt(at, error.schema as NotBuilt, error.data);
    case 'uniqueItems':
      return repeated(at, error.data as readonly unknown[], Math.max(Number(params.i), Number(params.j)));
    case 'maxProperties':
      return schema.properties === undefined
        ? tooMany(at, schema, Object.keys(error.data as object).length)
        : severalDialects(at, schema, error.data as object);
    case 'maxItems':
      return tooMany(at, schema, (error.data as readonly unknown[]).length);
    case 'maxLength':
      return tooLong(at, schema, error.data as string);
    default:
      // A name that the pattern refuses is reported by the case `propertyNames`.
      return error.propertyName === undefined ? wrongValue(at, schema, error.data, wording) : undefined;
  }
}

function missing(at: Path, parent: FieldSchema, wording: Wording): Mistake {
  const schema = parent.properties?.[String(at.at(-1))];
  return invalid(at, 'value', 'is missing', `Write ${wording.example(at, schema?.example)}.`);
}

function unknownField(at: Path, parent: FieldSchema, table: readonly Field[]): Mistake {
  const name = String(at.at(-1));
  const siblings = Object.keys(parent.properties as object);
  const elsewhere = table.filter(({ steps }) => steps.at(-1) === name).map(({ path }) => path);
  const moved = at.includes('filters') ? undefined : elsewhere[0];
  const meant = nearest(name, siblings, 1) ?? moved ?? nearest(name, siblings);
  const remedy =
    meant === undefined ? `The fields here are ${siblings.join(', ')}.` : `Did you mean \`${meant}\`?`;
  return invalid(at, 'key', 'is not a field here', remedy);
}

function repeated(at: Path, items: readonly unknown[], index: number): Mistake {
  const message = `is ${show(items[index])}, which is in the list already`;
  return invalid([...at, index], 'value', message, 'Write it once.');
}

function wrongName(at: Path, { names }: FieldSchema): Mistake {
  const { what, remedy } = names as NameNotes;
  return invalid(at, 'key', `is not ${what}`, remedy);
}

function severalDialects(at: Path, schema: FieldSchema, filter: object): Mistake {
  const message = `must be ${expectation(schema)}, has ${Object.keys(filter).join(' and ')}`;
  const remedy = 'Write each as a filter of its own (all filters must pass), or as items of `all` or `any`.';
  return invalid(at, 'value', message, remedy);
}

function tooMany(at: Path, schema: FieldSchema, count: number): Mistake {
  const message = `must be ${expectation(schema)}, has ${count}`;
  return invalid(at, 'value', message, 'Write fewer.');
}

function tooLong(at: Path, schema: FieldSchema, text: string): Mistake {
  const length = `at most ${schema.maxLength} characters, has ${Array.from(text).length}`;
  return invalid(at, 'value', `must have ${length}`, 'Shorten it.');
}

function notBuilt(at: Path, { what, instead, ...limits }: NotBuilt, value: unknown): Mistake {
  const subject = 'except' in limits ? `${show(value)} is` : 'is';
  return {
    code: 'MILLRACE_FIELD_NOT_BUILT',
    at,
    on: 'value',
    message: `${subject} not built yet (${what})`,
    remedy: instead,
  };
}

function wrongValue(at: Path, schema: FieldSchema, value: unknown, wording: Wording): Mistake {
  const message = `must be ${expectation(schema)}, is ${shown(schema, value)}`;
  return invalid(at, 'value', message, remedyFor(at, schema, value, wording));
}

/** Problems end up in logs. A value where a reference to a Secret belongs may be the secret itself, so it is not shown. */
function shown({ format, properties }: FieldSchema, value: unknown): string {
  if (properties?.secretName !== undefined) return 'something else (not shown, as it may be secret)';
  const mayHoldPassword = format !== undefined && formatOf(format).mayHoldPassword === true;
  return show(mayHoldPassword && typeof value === 'string' ? withoutCredentials(value) : value);
}

function remedyFor(at: Path, schema: FieldSchema, value: unknown, wording: Wording): string {
  const types = [schema.type].flat();
  if (typeof value === 'string') {
    if (types.includes('integer') && /^-?\d+$/.test(value)) {
      return `Write the number without quotes: ${wording.example(at, Number(value))}.`;
    }
    if (types.includes('boolean')) {
      const how = value === 'true' || value === 'false' ? 'Write it without quotes' : 'Write true or false';
      return `${how}: ${wording.example(at, /^(true|yes|on|y|1)$/i.test(value))}.`;
    }
    if (types.includes('array') && value !== '') {
      const items = value.split(',').map((item) => item.trim());
      return `Write a list: ${wording.example(at, items)}.`;
    }
    const meant = nearest(value, (schema.enum ?? []).map(String));
    if (meant !== undefined) return `Did you mean ${wording.example(at, meant)}?`;
  } else if (types.includes('string') && (typeof value === 'number' || typeof value === 'boolean')) {
    if (fits(schema, String(value))) return `Write it in quotes: ${wording.example(at, String(value))}.`;
  }
  const example = schema.example ?? schema.default;
  const isBare = isMapping(example) && Object.keys(example).length === 0;
  if (isBare) return 'Write its fields below it, or leave it out.';
  return `Write ${wording.example(at, example)}, for example.`;
}

function fits({ format }: FieldSchema, text: string): boolean {
  return format === undefined || formats[format].test(text);
}
