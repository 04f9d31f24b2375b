// Settings of who may come to the ports of gateway and scaler: both read them alike.

export interface OidcConfig {
  /** An https URL. */
  readonly issuer: string;
  readonly audience: string;
  /** Name of the claim, or a path of names with dots between them. */
  readonly rolesClaim: string;
  /** Values of the claim. */
  readonly viewers: readonly string[];
  readonly operators: readonly string[];
  /** PEM file of the authorities that the provider is trusted by; undefined: those that Node.js knows. */
  readonly caPath: string | undefined;
}

export interface AccessConfig {
  /** Who bears it may do everything here; undefined: no such token. */
  readonly token: string | undefined;
  /** The API server is asked whose a token is, and what they may. */
  readonly tokenReviews: boolean;
  readonly oidc: OidcConfig | undefined;
  /** Programs on this machine need no token: where nobody is there to say who may come. */
  readonly trustsLoopback: boolean;
  readonly metricsAccess: 'scrape' | 'anybody';
}

/** Every setting: variable, default, what it is; docs/reference/configuration.md is made of this table. */
export const accessSettings = {
  MILLRACE_ADMIN_TOKEN: {
    default: '',
    help: 'Who bears it (`Authorization: Bearer`) may do everything here, from anywhere; at least 16 characters.',
  },
  MILLRACE_TOKEN_REVIEWS: {
    default: '',
    help: 'Whether the API server is asked whose a bearer token is, and what they may (TokenReview, SubjectAccessReview): `true` or `false`; `true` with MILLRACE_KUBERNETES when empty. Where it is not, and there is no MILLRACE_OIDC_ISSUER, programs on the own machine need no token.',
  },
  MILLRACE_OIDC_ISSUER: {
    default: '',
    help: 'Issuer of an OpenID provider, https, whose tokens are taken too. It is asked when the first of them is shown.',
  },
  MILLRACE_OIDC_AUDIENCE: { default: 'millrace', help: 'Whom those tokens have to be for (`aud`).' },
  MILLRACE_OIDC_ROLES_CLAIM: {
    default: 'groups',
    help: 'The claim that says what its bearer may; dots lead into it, as in `realm_access.roles`.',
  },
  MILLRACE_OIDC_VIEWERS: {
    default: '',
    help: 'Values of that claim, separated by commas, whose bearers may see triggers and metrics.',
  },
  MILLRACE_OIDC_OPERATORS: {
    default: '',
    help: 'Values of that claim, separated by commas, whose bearers may change what becomes of records, and see them.',
  },
  MILLRACE_OIDC_CA: {
    default: '',
    help: 'PEM file of the authorities that the provider is trusted by, read at the start; those that Node.js knows when empty.',
  },
  MILLRACE_METRICS_ACCESS: {
    default: 'scrape',
    help: 'Who may read `/metrics`. `scrape`: who has the right to, as above. `anybody`: whoever reaches the port.',
  },
} as const;

type Env = Readonly<Record<string, string | undefined>>;

/** Adds to `mistakes` what is wrong. `isInKubernetes`: triggers come from the API server. */
export function parseAccessSettings(env: Env, isInKubernetes: boolean, mistakes: string[]): AccessConfig {
  const read = (name: keyof typeof accessSettings): string =>
    env[name]?.trim() || accessSettings[name].default;
  const token = read('MILLRACE_ADMIN_TOKEN') || undefined;
  if (token !== undefined && !/^[\x21-\x7e]{16,}$/.test(token))
    mistakes.push('MILLRACE_ADMIN_TOKEN has to have at least 16 characters, visible ones of ASCII');
  const reviews = read('MILLRACE_TOKEN_REVIEWS') || String(isInKubernetes);
  if (reviews !== 'true' && reviews !== 'false')
    mistakes.push(`MILLRACE_TOKEN_REVIEWS is ${JSON.stringify(reviews)}, expected true or false`);
  if (reviews === 'true' && !isInKubernetes)
    mistakes.push('MILLRACE_TOKEN_REVIEWS is "true" without MILLRACE_KUBERNETES: no API server is known');
  const metricsAccess = read('MILLRACE_METRICS_ACCESS');
  if (metricsAccess !== 'scrape' && metricsAccess !== 'anybody')
    mistakes.push(`MILLRACE_METRICS_ACCESS is ${JSON.stringify(metricsAccess)}, expected scrape or anybody`);
  const oidc = parseOidc(read, mistakes);
  return {
    token,
    tokenReviews: reviews === 'true',
    oidc,
    trustsLoopback: reviews !== 'true' && oidc === undefined,
    metricsAccess: metricsAccess === 'anybody' ? 'anybody' : 'scrape',
  };
}

function parseOidc(
  read: (name: keyof typeof accessSettings) => string,
  mistakes: string[],
): OidcConfig | undefined {
  const issuer = read('MILLRACE_OIDC_ISSUER');
  if (issuer === '') return undefined;
  if (!isIssuer(issuer))
    mistakes.push(`MILLRACE_OIDC_ISSUER is ${JSON.stringify(issuer)}, expected an https:// URL`);
  const viewers = listOf(read('MILLRACE_OIDC_VIEWERS'));
  const operators = listOf(read('MILLRACE_OIDC_OPERATORS'));
  if (viewers.length + operators.length === 0)
    mistakes.push('MILLRACE_OIDC_VIEWERS and MILLRACE_OIDC_OPERATORS are both empty: nobody could come in');
  return {
    issuer,
    audience: read('MILLRACE_OIDC_AUDIENCE'),
    rolesClaim: read('MILLRACE_OIDC_ROLES_CLAIM'),
    viewers,
    operators,
    caPath: read('MILLRACE_OIDC_CA') || undefined,
  };
}

/** OpenID Connect Discovery 1.0, section 2. Who is between us and the provider could make up its keys: so https. */
function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, search, hash, username, password } = new URL(text);
  return protocol === 'https:' && search + hash + username + password === '';
}

function listOf(text: string): string[] {
  return text.split(',').flatMap((one) => one.trim() || []);
}
