// Helpers to declare fields: JSON Schema by typebox, with notes for messages, the reference pages and annotations.
import type { Static, TOptional, TSchema } from 'typebox';
import { Type } from './schema-types.ts';
import { formatOf, type FormatName } from './formats.ts';

/** Refuses a field, or all values of it but one, because this release does not implement it. */
export interface NotBuilt {
  /** What is not built; stands in brackets after "is not built yet". */
  readonly what: string;
  /** The only value that is allowed. */
  readonly except?: unknown;
  /** What to do meanwhile: whole sentences. */
  readonly instead: string;
}

/** The keywords that these schemas add to JSON Schema, and `format`, which is one of formats.ts. */
export interface FieldNotes {
  readonly description?: string;
  /** The annotation of a Deployment that sets this field, without its prefix. */
  readonly annotation?: string;
  /** A default that depends on other fields, which stand in it in angle brackets. */
  readonly defaultRule?: string;
  /** Ends the sentence "must be …", where the schema alone does not describe a valid value well. */
  readonly expected?: string;
  readonly format?: FormatName;
  /** A value for remedies, where the default is not a good example. */
  readonly example?: unknown;
  readonly notBuilt?: NotBuilt;
  /** Of a mapping whose names are free: what a name must be. */
  readonly names?: NameNotes;
}

export interface NameNotes {
  /** Ends the sentence "is not …". */
  readonly what: string;
  /** A whole sentence that says which names are right. */
  readonly remedy: string;
}

/** The keywords of `FieldNotes` that a validator ignores. */
export const noteKeywords = ['annotation', 'defaultRule', 'expected', 'example', 'names'] as const;

type Defaulted<S extends TSchema> = TOptional<S> & { readonly default: unknown };

/** An optional field with the default `value`. */
export function withDefault<S extends TSchema>(value: Static<S>, schema: S): Defaulted<S> {
  return Object.assign(Type.Optional(schema), { default: value }) as unknown as Defaulted<S>;
}

/** A text with a bound: that of its format, or one of its own. */
type TextNotes = FieldNotes & { readonly pattern?: string; readonly minLength?: number } & (
    | { readonly format: FormatName; readonly maxLength?: never }
    | { readonly format?: never; readonly maxLength: number }
  );

export function text({ format, maxLength, ...notes }: TextNotes) {
  const bound = format === undefined ? { maxLength } : { format, maxLength: formatOf(format).maxLength };
  return Type.String({ ...notes, ...bound });
}

/** The largest `int32` of the Kubernetes API. */
export const maxInt32 = 2 ** 31 - 1;

export function whole(minimum: number, notes: FieldNotes & { readonly maximum?: number }) {
  return Type.Integer({ minimum, maximum: maxInt32, ...notes });
}

/** A mapping with these fields and no others. */
export function mapping<P extends Record<string, TSchema>>(notes: FieldNotes, properties: P) {
  return Type.Object(properties, { additionalProperties: false, ...notes });
}

/** The type of a value after its defaults are filled in: fields with a default are always present. */
export type Filled<S> = S extends { readonly properties: infer P }
  ? { readonly [K in keyof P as MayBeAbsent<P[K]> extends true ? never : K]: Filled<P[K]> } & {
      readonly [K in keyof P as MayBeAbsent<P[K]> extends true ? K : never]?: Filled<P[K]>;
    }
  : S extends TSchema
    ? Static<S>
    : never;

type MayBeAbsent<S> = S extends { readonly default: unknown }
  ? false
  : S extends { readonly '~optional': true }
    ? true
    : false;
