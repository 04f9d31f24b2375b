// TokenReview and SubjectAccessReview: what is asked of the API server, and what its answers mean.
// https://kubernetes.io/docs/reference/kubernetes-api/definitions/token-review-v1-authentication/
import { readClaims } from './bearer-token.ts';
import type { Right } from '../contract/callers.ts';
import { MillraceError } from '../contract/errors.ts';
import { subjectAccessReviewKind, tokenReviewKind } from '../resources/kinds.ts';
import { apiVersion } from '../resources/schema/trigger-schema.ts';
import { groupOf } from '../kubernetes/resource-paths.ts';

/** Who it is, as the API server says and wants to be told. */
export interface Identity {
  readonly username: string;
  readonly uid: string | undefined;
  readonly groups: readonly string[] | undefined;
  readonly extra: Readonly<Record<string, readonly string[]>> | undefined;
}

export type Reviewed =
  | { readonly kind: 'known'; readonly identity: Identity }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unknown' };

/** As a SubjectAccessReview names what somebody would do. */
export type Attributes =
  | { readonly nonResourceAttributes: Readonly<Record<string, string>> }
  | { readonly resourceAttributes: Readonly<Record<string, string>> };

/** A label of RFC 1123, which no namespace goes without. */
const namespaceName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const serviceAccounts = 'system:serviceaccount:';

/** For which audience a token is reviewed: `audience` where it says that it is for that one, else undefined, which is the API server's own. */
export function audienceFor(token: string, audience: string): string | undefined {
  const aud = readClaims(token)?.aud;
  const isOurs = aud === audience || (Array.isArray(aud) && aud.includes(audience));
  return isOurs ? audience : undefined;
}

export function tokenReview(token: string, audience: string | undefined): object {
  const { apiVersion, kind } = tokenReviewKind;
  return { apiVersion, kind, spec: { token, ...(audience === undefined ? {} : { audiences: [audience] }) } };
}

/** Throws MILLRACE_KUBERNETES_FAILED where the answer is no review. */
export function readTokenReview(answer: unknown, token: string, audience: string | undefined): Reviewed {
  const { authenticated = false, user, audiences = [] } = statusOf(answer) as TokenStatus;
  const username = user?.username ?? '';
  if (!authenticated || user === undefined || username === '') return notAuthenticated(token);
  // An authenticator that knows of no audiences names none: what it lets in may be meant for anybody.
  if (audience !== undefined && !audiences.includes(audience))
    return { kind: 'refused', why: `the token is not for the audience ${audience}` };
  return { kind: 'known', identity: { username, uid: user.uid, groups: user.groups, extra: user.extra } };
}

/** A token of a ServiceAccount is the API server's to judge; any other may be another's. */
function notAuthenticated(token: string): Reviewed {
  const subject = readClaims(token)?.sub;
  if (typeof subject !== 'string' || !subject.startsWith(serviceAccounts)) return { kind: 'unknown' };
  return {
    kind: 'refused',
    why: 'the API server does not accept the token: it is expired, revoked, for another audience, or of another cluster',
  };
}

/** What the API server is asked about a right; undefined where nobody can have it, for there is no such namespace. */
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

/** Whether it is allowed. Throws MILLRACE_KUBERNETES_FAILED where the answer is no review. */
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
  throw new MillraceError('MILLRACE_KUBERNETES_FAILED', 'the API server answers a review with none');
}
