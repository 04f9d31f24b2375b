// The settings that say who may call the ports of gateway and scaler. Both processes share them.
import { list, text, trueOrFalse, type Refuse, type Settings, type ValuesOf } from './settings.ts';
import type { AccessConfig, OidcConfig } from '../access/access-control.ts';

export const accessSettings = {
  MILLRACE_ADMIN_TOKEN: {
    parse: (given: string) => (/^[\x21-\x7e]{16,}$/.test(given) ? given : undefined),
    expected: 'at least 16 characters, visible ones of ASCII',
    isSecret: true,
    help: 'Its bearer (`Authorization: Bearer`) may do everything here, from anywhere. At least 16 characters.',
  },
  MILLRACE_TOKEN_REVIEWS: {
    ...trueOrFalse,
    help: 'Whether the API server is asked whose a bearer token is, and what they may do (TokenReview, SubjectAccessReview): `true` or `false`. When empty: `true` with MILLRACE_KUBERNETES, else `false`. Where it is `false` and there is no MILLRACE_OIDC_ISSUER, programs on the same machine need no token.',
  },
  MILLRACE_OIDC_ISSUER: {
    parse: (given: string) => (isIssuer(given) ? given : undefined),
    expected: 'an https:// URL',
    help: 'Issuer of an OpenID provider, https, whose tokens are accepted too. It is asked when somebody shows the first of them.',
  },
  MILLRACE_OIDC_AUDIENCE: {
    ...text,
    default: 'millrace',
    help: 'The audience (`aud`) that those tokens must have.',
  },
  MILLRACE_OIDC_ROLES_CLAIM: {
    ...text,
    default: 'groups',
    help: 'The claim that says what its bearer may do. Dots lead into it, as in `realm_access.roles`.',
  },
  MILLRACE_OIDC_VIEWERS: {
    ...list,
    help: 'Values of that claim, separated by commas, whose bearers may see triggers and metrics.',
  },
  MILLRACE_OIDC_OPERATORS: {
    ...list,
    help: 'Values of that claim, separated by commas, whose bearers may change what becomes of records, and see them.',
  },
  MILLRACE_OIDC_CA: {
    ...text,
    help: 'PEM file of the authorities by which the provider is trusted, read at the start. Those that Node.js knows when empty.',
  },
  MILLRACE_METRICS_ACCESS: {
    parse: (given: string) => (given === 'scrape' || given === 'anybody' ? given : undefined),
    expected: 'scrape or anybody',
    default: 'scrape',
    help: 'Who may read `/metrics`. `scrape`: callers with the right to, as above. `anybody`: whoever reaches the port.',
  },
} as const satisfies Settings;

type Values = ValuesOf<typeof accessSettings>;
type RefuseAccess = Refuse<keyof typeof accessSettings>;

/** `isInKubernetes`: triggers come from the API server. */
export function accessConfigOf(values: Values, isInKubernetes: boolean, refuse: RefuseAccess): AccessConfig {
  const tokenReviews = values.MILLRACE_TOKEN_REVIEWS ?? isInKubernetes;
  if (tokenReviews && !isInKubernetes)
    refuse('MILLRACE_TOKEN_REVIEWS', 'false without MILLRACE_KUBERNETES, as no API server is known');
  const oidc = oidcConfigOf(values, refuse);
  return {
    token: values.MILLRACE_ADMIN_TOKEN,
    tokenReviews,
    oidc,
    trustsLoopback: !tokenReviews && oidc === undefined,
    metricsAccess: values.MILLRACE_METRICS_ACCESS,
  };
}

function oidcConfigOf(values: Values, refuse: RefuseAccess): OidcConfig | undefined {
  const { MILLRACE_OIDC_ISSUER: issuer } = values;
  if (issuer === undefined) return undefined;
  const viewers = values.MILLRACE_OIDC_VIEWERS ?? [];
  const operators = values.MILLRACE_OIDC_OPERATORS ?? [];
  if (viewers.length + operators.length === 0)
    refuse(
      'MILLRACE_OIDC_OPERATORS',
      'a role here or in MILLRACE_OIDC_VIEWERS, as MILLRACE_OIDC_ISSUER would let nobody in',
    );
  return {
    issuer,
    audience: values.MILLRACE_OIDC_AUDIENCE,
    rolesClaim: values.MILLRACE_OIDC_ROLES_CLAIM,
    viewers,
    operators,
    caPath: values.MILLRACE_OIDC_CA,
  };
}

/** OpenID Connect Discovery 1.0, section 2. Without https, a man in the middle could make up the keys of the provider. */
function isIssuer(given: string): boolean {
  if (!URL.canParse(given)) return false;
  const { protocol, search, hash, username, password } = new URL(given);
  return protocol === 'https:' && search + hash + username + password === '';
}
