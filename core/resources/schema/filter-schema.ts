// A filter as a user declares it: the dialects of the CloudEvents Subscriptions API (draft, section 3.2.4.1), and CEL.
import { Type } from './schema-types.ts';
import { text } from './schema-notes.ts';

/** Exactly one of the dialects. */
export interface DeclaredFilter {
  readonly exact?: Readonly<Record<string, string>>;
  readonly prefix?: Readonly<Record<string, string>>;
  readonly suffix?: Readonly<Record<string, string>>;
  readonly all?: readonly DeclaredFilter[];
  readonly any?: readonly DeclaredFilter[];
  readonly not?: DeclaredFilter;
  readonly cesql?: string;
  readonly cel?: string;
}

/** The place of `filterSchema` in the `$defs` of the schema that uses it. */
export const filterRef = { $ref: '#/$defs/filter' } as const;

/** In one list. */
export const mostFilters = 256;
const mostAttributes = 32;
/** As the compilers of core/expressions have it. */
const longestExpression = 4_096;

function attributes(description: string, example: Readonly<Record<string, string>>) {
  return Type.Optional(
    Type.Unsafe<Readonly<Record<string, string>>>({
      type: 'object',
      description,
      example,
      minProperties: 1,
      maxProperties: mostAttributes,
      propertyNames: { pattern: '^[a-z0-9]{1,128}$' },
      names: {
        what: 'the name of a CloudEvents attribute',
        remedy:
          'Attribute names are lower-case letters and digits, at most 128, such as type, subject or kafkatopic.',
      },
      additionalProperties: text({ minLength: 1, maxLength: 1_024, example: 'order.placed' }),
      expected: `a mapping of 1 to ${mostAttributes} attribute names to strings`,
    }),
  );
}

function several(description: string) {
  return Type.Optional(
    Type.Unsafe<readonly DeclaredFilter[]>({
      type: 'array',
      description,
      example: [{ exact: { type: 'order.placed' } }],
      minItems: 1,
      maxItems: mostFilters,
      items: filterRef,
      expected: `a list of 1 to ${mostFilters} filters`,
    }),
  );
}

export const filterSchema = Type.Object(
  {
    exact: attributes('Passes if each named attribute has exactly this value.', { type: 'order.placed' }),
    prefix: attributes('Passes if each named attribute begins with this text.', { type: 'order.' }),
    suffix: attributes('Passes if each named attribute ends with this text.', { subject: '.json' }),
    all: several('Passes if all of these filters pass.'),
    any: several('Passes if at least one of these filters passes.'),
    not: Type.Optional(
      Type.Unsafe<DeclaredFilter>({ ...filterRef, description: 'Passes if this filter does not pass.' }),
    ),
    cesql: Type.Optional(
      text({
        description: 'Passes if this CloudEvents SQL expression on the attributes is true.',
        annotation: 'filter',
        example: "type = 'order.placed'",
        minLength: 1,
        maxLength: longestExpression,
      }),
    ),
    cel: Type.Optional(
      text({
        description: 'Passes if this CEL expression on the attributes and the payload is true.',
        example: 'data.total >= 100.0',
        minLength: 1,
        maxLength: longestExpression,
      }),
    ),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    example: { exact: { type: 'order.placed' } },
    expected: 'a mapping with exactly one of exact, prefix, suffix, all, any, not, cesql, cel',
  },
);
