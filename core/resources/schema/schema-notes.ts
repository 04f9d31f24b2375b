// The words that trigger.ts declares its fields in: JSON Schema by typebox, with notes for people and for the
// front doors.
import { Type, type Static, type TOptional, type TSchema, type TStringOptions } from 'typebox';
import type { FormatName } from './formats.ts';

/**
 * Refuses a field, or all its values but one, until the machinery behind it is built.
 */
export interface NotBuilt {
  /** Ends the sentence "is not built yet: …". */
  readonly what: string;
  /** The only value that is allowed. */
  readonly except?: unknown;
  /** What to do for now: whole sentences. */
  readonly instead: string;
}

/** The keywords that our schemas add to those of JSON Schema, and the format, which is one of ours. */
export interface FieldNotes {
  readonly description?: string;
  /** The annotation of a Deployment that means this field, without its prefix. */
  readonly annotation?: string;
  /** The default where it depends on other fields, which stand in it in angle brackets. */
  readonly defaultRule?: string;
  /** Ends the sentence "must be …" where the schema alone would not say it well. */
  readonly expected?: string;
  readonly format?: FormatName;
  /** For remedies and the reference, where the default does not serve. */
  readonly example?: unknown;
  readonly notBuilt?: NotBuilt;
}

/** The keywords of `FieldNotes` that mean nothing to a validator. */
export const noteKeywords = ['annotation', 'defaultRule', 'expected', 'example'] as const;

type Defaulted<S extends TSchema> = TOptional<S> & { readonly default: unknown };

/** A field that may be left out, and then has `value`. */
export function withDefault<S extends TSchema>(value: Static<S>, schema: S): Defaulted<S> {
  return Object.assign(Type.Optional(schema), { default: value }) as unknown as Defaulted<S>;
}

export function text(notes: FieldNotes & { readonly pattern?: string; readonly minLength?: number } = {}) {
  return Type.String(notes as TStringOptions);
}

/** The largest whole number of the Kubernetes API's `int32`. */
export const maxInt32 = 2 ** 31 - 1;

export function whole(minimum: number, notes: FieldNotes & { readonly maximum?: number }) {
  return Type.Integer({ minimum, maximum: maxInt32, ...notes });
}

/** A mapping of these fields and no others. */
export function mapping<P extends Record<string, TSchema>>(notes: FieldNotes, properties: P) {
  return Type.Object(properties, { additionalProperties: false, ...notes });
}

/** The value of a schema once the defaults are filled in: fields with a default are there. */
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
