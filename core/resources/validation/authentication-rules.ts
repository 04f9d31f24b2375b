// What must hold within a mapping `authentication`, of whatever kind it is a field: each type has its own fields, and no others mean
// anything.
import type { Path } from '../../contract/path.ts';
import { isMapping, valueAt } from '../../contract/path.ts';
import { invalid, type Mistake } from '../../contract/problem.ts';
import type { Wording } from './wording.ts';

export interface Fields {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/** What each type asks for, besides `type`. The rules in the CRDs are made of it too. */
export type FieldsOfType = Readonly<Record<string, Fields>>;

/** Client credentials. */
export const oauthFieldNames: Fields = {
  required: ['tokenEndpoint'],
  optional: ['clientId', 'clientSecret', 'clientAssertion', 'scope', 'audience', 'ca'],
};

/** The types that a field of `authentication` is of; none for one that is not known. */
export function typesWith(fieldsOfType: FieldsOfType, name: string): string[] {
  const types = Object.entries(fieldsOfType);
  return types.flatMap(([type, { required, optional }]) =>
    [...required, ...optional].includes(name) ? [type] : [],
  );
}

export interface AuthenticationRules {
  readonly at: Path;
  readonly fieldsOfType: FieldsOfType;
  /** Of the fields that a type requires. */
  readonly examples: Readonly<Record<string, unknown>>;
  readonly wording: Wording;
}

/** The mistakes in what `declared` has at `rules.at`; none in what the schema refuses. */
export function authenticationRules(declared: unknown, rules: AuthenticationRules): Mistake[] {
  const { at, fieldsOfType, examples, wording } = rules;
  const authentication = valueAt(declared, at);
  const type = valueAt(authentication, ['type']);
  if (!isMapping(authentication) || typeof type !== 'string') return [];
  const fields = Object.hasOwn(fieldsOfType, type) ? fieldsOfType[type] : undefined;
  if (fields === undefined) return [];
  const lacking = fields.required.filter((name) => !Object.hasOwn(authentication, name));
  const pointless = Object.keys(authentication).filter((name) => {
    const types = typesWith(fieldsOfType, name);
    return types.length > 0 && !types.includes(type);
  });
  return [
    ...lacking.map((name) => {
      const remedy = `Write ${wording.example([...at, name], examples[name])}.`;
      return invalid([...at, name], 'value', `is missing, which type ${type} asks for`, remedy);
    }),
    ...pointless.map((name) => {
      const remedy = `Leave it out; it is of ${typesWith(fieldsOfType, name).join(' and ')}.`;
      return invalid([...at, name], 'key', `has no meaning with type ${type}`, remedy);
    }),
    ...(type === 'oauthbearer' ? provedOnce(authentication, at, wording) : []),
  ];
}

/** By a secret, which is a client's, or by an assertion, which may say itself whose it is (RFC 7523, section 2.2). */
function provedOnce(
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
  return [invalid([...at, 'clientId'], 'value', 'is missing, which a clientSecret asks for', remedy)];
}
