import t from 'tap';
import { broken } from '../minimal-trigger.ts';

const value = { secretName: 'mailer' };
const token = { type: 'service-account', serviceAccountName: 'caller', audience: 'mailer' };
const oauth = { type: 'oauthbearer', tokenEndpoint: 'https://sso/token', clientId: 'a', clientSecret: value };
const at = (uri: string) => ({ 'spec.function.ref': undefined, 'spec.function.uri': uri });

for (const [what, changes] of [
  ['TLS by authorities that are known', { 'spec.function.tls': {} }],
  [
    'a certificate with its key',
    { 'spec.function.tls': { certificate: value, key: value, keyPassword: value } },
  ],
  ['a token within the cluster, without TLS', { 'spec.function.authentication': token }],
  ['an OAuth client for another audience', { 'spec.function.authentication': { ...oauth, audience: 'b' } }],
  [
    'TLS and a token to a URI',
    { ...at('HTTPS://a/'), 'spec.function.tls': {}, 'spec.function.authentication': oauth },
  ],
  ['plain http to a URI', at('http://a/')],
  ['what is no mapping anyway', { 'spec.function.tls': 'on', 'spec.function.authentication': 'token' }],
  ['a URI that is no text anyway', { ...at('http://a/'), 'spec.function.uri': 7, 'spec.function.tls': {} }],
] as const) {
  t.test(`${what} breaks no rule`, async (t) => t.strictSame(broken(changes), []));
}

t.test('neither a token nor a certificate goes to a URI by plain http', async (t) => {
  const changes = { ...at('http://a/'), 'spec.function.tls': {}, 'spec.function.authentication': token };
  t.strictSame(broken(changes), [
    'spec.function.tls: requires https, but the uri has http. Write a uri that begins with https://, or leave tls out.',
    'spec.function.authentication: requires https, but the uri has http. Write a uri that begins with https://, or leave authentication out.',
  ]);
});

t.test('a certificate, its key, and what opens that, belong together', async (t) => {
  const missing = (name: string, other: string): string =>
    `spec.function.tls.${name}: is missing: ${other} requires it. Write \`${name}: { secretName: order-mailer }\`.`;
  t.strictSame(broken({ 'spec.function.tls': { certificate: value } }), [missing('key', 'certificate')]);
  t.strictSame(broken({ 'spec.function.tls': { key: value } }), [missing('certificate', 'key')]);
  t.strictSame(broken({ 'spec.function.tls': { keyPassword: value } }), [missing('key', 'keyPassword')]);
});

t.test('each type of token has its own fields', async (t) => {
  t.match(broken({ 'spec.function.authentication': { type: 'service-account' } }), [
    'spec.function.authentication.serviceAccountName: is missing: type service-account requires it. Write `serviceAccountName: orders-caller`.',
    'spec.function.authentication.audience: is missing: type service-account requires it. Write `audience: order-mailer.default.svc`.',
  ]);
  t.match(broken({ 'spec.function.authentication': { ...token, scope: 'a' } }), [
    /^spec\.function\.authentication\.scope: has no meaning with type service-account/,
  ]);
  t.match(broken({ 'spec.function.authentication': { type: 'oauthbearer' } }), [
    /tokenEndpoint: is missing/,
    /exactly one of/,
  ]);
});
