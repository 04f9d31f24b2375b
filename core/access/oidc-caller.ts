// The caller in the claims of a verified token: name and rights. Pure.
import { auditName } from './bearer-token.ts';
import type { Caller, Right } from '../contract/callers.ts';

export interface Roles {
  /** The claim with the roles: its name, or a path of names with dots, such as `realm_access.roles`. */
  readonly rolesClaim: string;
  /** Values of that claim; one of them gives the rights `scrape` and `view`. */
  readonly viewers: readonly string[];
  /** Values of that claim; one of them gives the right `operate` as well. */
  readonly operators: readonly string[];
}

export type Claims = Readonly<Record<string, unknown>>;

const viewing: readonly Right[] = ['scrape', 'view'];
const operating: readonly Right[] = [...viewing, 'operate'];

export function callerOf(issuer: string, claims: Claims, { rolesClaim, viewers, operators }: Roles): Caller {
  const held = rolesIn(claims, rolesClaim);
  const holdsOneOf = (roles: readonly string[]): boolean => roles.some((role) => held.has(role));
  const rights = holdsOneOf(operators) ? operating : holdsOneOf(viewers) ? viewing : [];
  return { name: nameOf(issuer, claims), may: async (right) => rights.includes(right) };
}

/** `https://sso.example.com#4711 (alice)`: first the subject, which is unique to one user, then a name that users may choose. */
function nameOf(issuer: string, claims: Claims): string {
  const subject = `${issuer}#${String(claims.sub)}`;
  const names = [claims.preferred_username, claims.email];
  const name = names.find((given): given is string => typeof given === 'string' && given !== '');
  return auditName(name === undefined ? subject : `${subject} (${name})`);
}

function rolesIn(claims: Claims, rolesClaim: string): ReadonlySet<unknown> {
  const value = valueAt(claims, rolesClaim);
  return new Set(Array.isArray(value) ? value : [value]);
}

/** A claim whose own name has dots, such as a URL, takes precedence over a path. */
function valueAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  return path.split('.').reduce<unknown>((value, name) => {
    const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
    return isThere ? (value as Claims)[name] : undefined;
  }, claims);
}
