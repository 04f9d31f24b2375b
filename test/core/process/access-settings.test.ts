import t from 'tap';
import { accessConfigOf, accessSettings } from '../../../core/process/access-settings.ts';
import { readSettings } from '../../../core/process/settings.ts';

/** The configuration, or the mistakes. */
function parse(env: Record<string, string>, isInKubernetes = false) {
  try {
    const access = readSettings(accessSettings, env, (values, refuse) =>
      accessConfigOf(values, isInKubernetes, refuse),
    );
    return { access, mistakes: [] };
  } catch (error) {
    return { access: undefined, mistakes: (error as Error).message.split('; ') };
  }
}

t.test(
  'on one machine its programs need no token; in a cluster, and where there is a provider, everybody does',
  async (t) => {
    const none = { token: undefined, oidc: undefined, metricsAccess: 'scrape' };
    t.strictSame(parse({ MILLRACE_ADMIN_TOKEN: ' ' }), {
      access: { ...none, tokenReviews: false, trustsLoopback: true },
      mistakes: [],
    });
    t.strictSame(parse({}, true).access, { ...none, tokenReviews: true, trustsLoopback: false });
    t.strictSame(parse({ MILLRACE_TOKEN_REVIEWS: 'false' }, true).access, {
      ...none,
      tokenReviews: false,
      trustsLoopback: true,
    });
    t.equal(parse({ MILLRACE_METRICS_ACCESS: 'anybody' }).access?.metricsAccess, 'anybody');
    const token = 'x'.repeat(16);
    t.equal(parse({ MILLRACE_ADMIN_TOKEN: token }).access?.token, token);
    const provider = { MILLRACE_OIDC_ISSUER: 'https://sso', MILLRACE_OIDC_VIEWERS: 'dev' };
    t.match(parse(provider).access, { tokenReviews: false, trustsLoopback: false });
  },
);

t.test('a provider', async (t) => {
  const issuer = 'https://sso.example.com/realms/platform';
  const least = { MILLRACE_OIDC_ISSUER: issuer, MILLRACE_OIDC_VIEWERS: 'dev, ops,' };
  t.strictSame(parse(least), {
    access: {
      token: undefined,
      tokenReviews: false,
      oidc: {
        issuer,
        audience: 'millrace',
        rolesClaim: 'groups',
        viewers: ['dev', 'ops'],
        operators: [],
        caPath: undefined,
      },
      trustsLoopback: false,
      metricsAccess: 'scrape',
    },
    mistakes: [],
  });
  const more = {
    ...least,
    MILLRACE_OIDC_AUDIENCE: 'events',
    MILLRACE_OIDC_ROLES_CLAIM: 'realm_access.roles',
    MILLRACE_OIDC_OPERATORS: 'ops',
    MILLRACE_OIDC_CA: '/ca.crt',
  };
  t.match(parse(more).access?.oidc, {
    audience: 'events',
    rolesClaim: 'realm_access.roles',
    operators: ['ops'],
    caPath: '/ca.crt',
  });
});

t.test('an issuer is asked over https', async (t) => {
  const isTaken = (issuer: string) =>
    parse({ MILLRACE_OIDC_ISSUER: issuer, MILLRACE_OIDC_VIEWERS: 'dev' }).mistakes.length === 0;
  for (const issuer of ['https://a', 'https://a:8443/b/']) t.ok(isTaken(issuer), issuer);
  for (const issuer of [
    'http://a',
    'a',
    'ftp://a',
    'https://a?b',
    'https://a#b',
    'https://u@a',
    'https://:p@a',
  ])
    t.notOk(isTaken(issuer), issuer);
});

t.test('what is wrong is told, all of it, and no token is repeated', async (t) => {
  const { mistakes } = parse({
    MILLRACE_ADMIN_TOKEN: 'planted short',
    MILLRACE_TOKEN_REVIEWS: 'yes',
    MILLRACE_METRICS_ACCESS: 'all',
    MILLRACE_OIDC_ISSUER: 'http://sso.example.com',
  });
  t.strictSame(mistakes, [
    'MILLRACE_ADMIN_TOKEN is "***", expected at least 16 characters, visible ones of ASCII',
    'MILLRACE_TOKEN_REVIEWS is "yes", expected true or false',
    'MILLRACE_OIDC_ISSUER is "http://sso.example.com", expected an https:// URL',
    'MILLRACE_METRICS_ACCESS is "all", expected scrape or anybody',
  ]);
  t.strictSame(parse({ MILLRACE_OIDC_ISSUER: 'https://sso' }).mistakes, [
    'MILLRACE_OIDC_OPERATORS is "", expected a role here or in MILLRACE_OIDC_VIEWERS, as MILLRACE_OIDC_ISSUER would let nobody in',
  ]);
  t.match(parse({ MILLRACE_TOKEN_REVIEWS: 'true' }).mistakes, [
    /^MILLRACE_TOKEN_REVIEWS is "true", expected false .* no API server is known$/,
  ]);
});
