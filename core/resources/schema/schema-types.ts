// Makes JSON Schema as typebox does, with its types, for the few kinds of fields that resources have. Every process has these schemas, and
// the package would load some 370 modules for them.
import type { Type as TypeBox } from 'typebox';

type Kinds =
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Literal'
  | 'Object'
  | 'Optional'
  | 'String'
  | 'Unknown'
  | 'Unsafe';

/** Marks a field that may be absent, where JSON does not show it. */
const optional = '~optional';

function objectOf(properties: Readonly<Record<string, object>>, options: object = {}): object {
  const needed = Object.entries(properties).filter(([, schema]) => !(optional in schema));
  const required = needed.map(([name]) => name);
  return { type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...options };
}

const kinds: Readonly<Record<Kinds, (...given: never[]) => object>> = {
  Array: (items: object, options: object = {}) => ({ type: 'array', items, ...options }),
  Boolean: (options: object = {}) => ({ type: 'boolean', ...options }),
  Enum: (values: readonly string[], options: object = {}) => ({ enum: values, ...options }),
  Integer: (options: object = {}) => ({ type: 'integer', ...options }),
  Literal: (value: string, options: object = {}) => ({ type: 'string', const: value, ...options }),
  Object: objectOf,
  Optional: (schema: object) => Object.defineProperty({ ...schema }, optional, { value: true }),
  String: (options: object = {}) => ({ type: 'string', ...options }),
  Unknown: (options: object = {}) => ({ ...options }),
  Unsafe: (schema: object) => ({ ...schema }),
};

export const Type = kinds as unknown as Pick<typeof TypeBox, Kinds>;
