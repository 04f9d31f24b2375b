// The rules within a mapping `authentication`, of a Trigger or a KafkaCluster: each type has its own required and optional fields, and
// no others.
import type { Path } from '../../contract/path.ts';
import { isMapping, valueAt } from '../../contract/path.ts';
import { invalid, type Mistake } from '../../contract/manifest-problem.ts';
import type { Wording } from './wording.ts';

export interface Fields {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/** The fields of each type, besides `type`. The rules in the CRDs are made from it too. */
export type FieldsOfType = Readonly<Record<string, Fields>>;

/** The fields of the grant client credentials. */
export const oauthFieldNames: Fields = {
  required: ['tokenEndpoint'],
  optional: ['clientId', 'clientSecret', 'clientAssertion', 'scope', 'audience', 'ca'],
};

/** The types that have the field `name`; none if no type has it. */
export function typesWith(fieldsOfType: FieldsOfType, name: string): string[] {
  const types = Object.entries(fieldsOfType);
  return types.flatMap(([type, { required, optional }]) =>
    [...required, ...optional].includes(name) ? [type] : [],
  );
}

export interface AuthenticationRules {
  readonly at: Path;
  readonly fieldsOfType: FieldsOfType;
  /** An example for each field that a type requires. */
  readonly examples: Readonly<Record<string, unknown>>;
  readonly wording: Wording;
}

/** The mistakes in the mapping at `rules.at` of `declared`. It reports none where the schema already refuses the mapping or its type. */
export function authenticationRules(declared: unknown, rules: AuthenticationRules): Mistake[] {
  const { at, fieldsOfType, examples, wording } = rules;
  const authentication = valueAt(declared, at);
  const type = valueAt(authentication, ['type']);
  if (!isMapping(authentication) || typeof type !== 'string') return [];
  const fields = Object.hasOwn(fieldsOfType, type) ? fieldsOfType[type] : undefined;
  if (fields === undefined) return [];
  const missing = fields.required.filter((name) => !Object.hasOwn(authentication, name));
  const foreign = Object.keys(authentication).filter((name) => {
    const types = typesWith(fieldsOfType, name);
    return types.length > 0 && !types.includes(type);
  });
  return [
    ...missing.map((name) => {
      const remedy = `Write ${wording.example([...at, name], examples[name])}.`;
      return invalid([...at, name], 'value', `is missing: type ${type} requires it`, remedy);
    }),
    ...foreign.map((name) => {
      const remedy = `Leave it out. It belongs to type ${typesWith(fieldsOfType, name).join(' or ')}.`;
      return invalid([...at, name], 'key', `has no meaning with type ${type}`, remedy);
    }),
    ...(type === 'oauthbearer' ? oneClientCredential(authentication, at, wording) : []),
  ];
}

/** A client secret needs a client id. An assertion need not have one: it may name the client itself (RFC 7523, section 2.2). */
function oneClientCredential(
  authentication: Readonly<Record<string, unknown>>,
  at: Path,
  wording: Wording,
): Mistake[] {
  const given = ['clientSecret', 'clientAssertion'].filter((name) => Object.hasOwn(authentication, name));
  if (given.length !== 1) {
    const has = given.length === 0 ? 'none of them' : 'both';
    const message = `must have exactly one of clientSecret, clientAssertion, has ${has}`;
    const remedy = `Write ${wording.example([...at, 'clientSecret'], { secretName: 'orders' })}.`;
    return [invalid(at, 'key', message, remedy)];
  }
  if (given[0] === 'clientAssertion' || Object.hasOwn(authentication, 'clientId')) return [];
  const remedy = `Write ${wording.example([...at, 'clientId'], 'orders')}.`;
  return [invalid([...at, 'clientId'], 'value', 'is missing: clientSecret requires it', remedy)];
}
