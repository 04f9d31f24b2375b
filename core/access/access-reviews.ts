// Bodies of TokenReviews and SubjectAccessReviews, and what the API server's answers to them mean. Pure.
// https://kubernetes.io/docs/reference/kubernetes-api/definitions/token-review-v1-authentication/
import { readClaims } from './bearer-token.ts';
import type { Right } from '../contract/callers.ts';
import { MillraceError } from '../contract/errors.ts';
import { subjectAccessReviewKind, tokenReviewKind } from '../resources/kinds.ts';
import { apiVersion } from '../resources/schema/trigger-schema.ts';
import { groupOf } from '../kubernetes/resource-paths.ts';

/** The user as a TokenReview answers it and as a SubjectAccessReview expects it. */
export interface Identity {
  readonly username: string;
  readonly uid: string | undefined;
  readonly groups: readonly string[] | undefined;
  readonly extra: Readonly<Record<string, readonly string[]>> | undefined;
}

export type TokenReviewResult =
  | { readonly kind: 'known'; readonly identity: Identity }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unknown' };

/** The action that a SubjectAccessReview asks about. */
export type Attributes =
  | { readonly nonResourceAttributes: Readonly<Record<string, string>> }
  | { readonly resourceAttributes: Readonly<Record<string, string>> };

/** The name of a namespace is a label of RFC 1123. */
const namespaceName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const serviceAccounts = 'system:serviceaccount:';

/** The audience to review a token for: `audience` if the token claims it; otherwise undefined, which means the API server's own audience. */
export function audienceFor(token: string, audience: string): string | undefined {
  const aud = readClaims(token)?.aud;
  const isOurs = aud === audience || (Array.isArray(aud) && aud.includes(audience));
  return isOurs ? audience : undefined;
}

export function tokenReview(token: string, audience: string | undefined): object {
  const { apiVersion, kind } = tokenReviewKind;
  return { apiVersion, kind, spec: { token, ...(audience === undefined ? {} : { audiences: [audience] }) } };
}

/** Throws MILLRACE_KUBERNETES_FAILED if the answer is not a review. */
export function readTokenReview(
  answer: unknown,
  token: string,
  audience: string | undefined,
): TokenReviewResult {
  const { authenticated = false, user, audiences = [] } = statusOf(answer) as TokenStatus;
  const username = user?.username ?? '';
  if (!authenticated || user === undefined || username === '') return notAuthenticated(token);
  // An authenticator that does not support audiences returns none: a token that it accepts may be meant for any service.
  if (audience !== undefined && !audiences.includes(audience))
    return { kind: 'refused', why: `the token is not for the audience ${audience}` };
  return { kind: 'known', identity: { username, uid: user.uid, groups: user.groups, extra: user.extra } };
}

/** The API server decides about tokens of ServiceAccounts. Another recognizer may know any other token. */
function notAuthenticated(token: string): TokenReviewResult {
  const subject = readClaims(token)?.sub;
  if (typeof subject !== 'string' || !subject.startsWith(serviceAccounts)) return { kind: 'unknown' };
  return {
    kind: 'refused',
    why: 'the API server does not accept the token: it is expired, revoked, for another audience, or from another cluster',
  };
}

/** What to ask the API server about a right; undefined if no namespace can have this name, so that nobody has the right. */
export function attributesOf(
  right: Right,
  namespace: string | undefined,
  ownNamespace: string,
): Attributes | undefined {
  switch (right) {
    case 'scrape':
      return { nonResourceAttributes: { path: '/metrics', verb: 'get' } };
    case 'activate':
      return inNamespace(ownNamespace, { verb: 'create', resource: 'activations' });
    case 'view':
      return inNamespace(namespace, { verb: 'get', resource: 'triggers' });
    case 'operate':
      return inNamespace(namespace, { verb: 'update', resource: 'triggers', subresource: 'records' });
  }
}

function inNamespace(namespace: string | undefined, what: Record<string, string>): Attributes | undefined {
  const of = { ...what, group: groupOf(apiVersion) };
  if (namespace === undefined) return { resourceAttributes: of };
  return namespaceName.test(namespace) ? { resourceAttributes: { ...of, namespace } } : undefined;
}

export function accessReview({ username, uid, groups, extra }: Identity, attributes: Attributes): object {
  const { apiVersion, kind } = subjectAccessReviewKind;
  const given = Object.entries({ uid, groups, extra }).filter(([, value]) => value !== undefined);
  return { apiVersion, kind, spec: { user: username, ...Object.fromEntries(given), ...attributes } };
}

/** Whether the action is allowed. Throws MILLRACE_KUBERNETES_FAILED if the answer is not a review. */
export function readAccessReview(answer: unknown): boolean {
  return (statusOf(answer) as { readonly allowed?: boolean }).allowed === true;
}

interface TokenStatus {
  readonly authenticated?: boolean;
  readonly user?: Partial<Identity>;
  readonly audiences?: readonly string[];
}

function statusOf(answer: unknown): object {
  const { status } = (answer ?? {}) as { readonly status?: unknown };
  if (typeof status === 'object' && status !== null) return status;
  throw new MillraceError('MILLRACE_KUBERNETES_FAILED', 'the API server answered a review without a status');
}
