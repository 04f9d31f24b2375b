// Callers with tokens of an OpenID provider, over real HTTPS.
import { createHmac } from 'node:crypto';
import t, { type Test } from 'tap';
import type { Recognizer } from '../../../core/contract/callers.ts';
import type { ProviderTimes } from '../../../core/access/oidc-provider.ts';
import { createOidc, type OidcOptions } from '../../../core/access/oidc-tokens.ts';
import { startOidcProvider, type Instead, type OidcProvider } from '../../fixtures/access/oidc-provider.ts';
import { callerIn, testRecognizer, type Failing } from '../../fixtures/access/recognizer-conformance.ts';

const nowSeconds = Math.floor(Date.now() / 1000);
const discovery = '/.well-known/openid-configuration';
/** Unknown keys are fetched at once, and a provider that fails is asked again at once. */
const eager: Partial<ProviderTimes> = { cooldownMs: 0, firstBackoffMs: 0, limitMs: 5_000 };
const unknown = { code: 'MILLRACE_ACCESS_UNKNOWN' };

function recognizerOf(t: Test, provider: OidcProvider, options: Partial<OidcOptions> = {}): Recognizer {
  const { issuer, ca } = provider;
  const roles = { viewers: ['staff'], operators: ['sre'] };
  const made = createOidc({
    issuer,
    ca,
    audience: 'millrace',
    ...roles,
    now: () => nowSeconds * 1_000,
    ...options,
  });
  t.teardown(() => made.close());
  return made;
}

function claimsOf({ issuer }: OidcProvider, more: object = {}) {
  const own = {
    iss: issuer,
    aud: 'millrace',
    sub: '4711',
    iat: nowSeconds,
    exp: nowSeconds + 600,
    groups: ['staff'],
  };
  return { ...own, ...more };
}

async function setUp(t: Test, times: Partial<ProviderTimes> = eager) {
  const provider = await startOidcProvider(t, { audience: 'millrace' });
  const recognizer = recognizerOf(t, provider, { times });
  const kindOf = async (more: object, header?: Record<string, unknown>): Promise<string> =>
    (await recognizer.recognize(provider.token(claimsOf(provider, more), header))).kind;
  return { provider, recognizer, kindOf };
}

type Lie = [path: Parameters<OidcProvider['answerInstead']>[0], answer: Instead, said: RegExp];

const lies = ({ issuer, jwksUri }: OidcProvider): Record<string, Lie> => ({
  'is silent': [discovery, 'silence', /timeout/],
  'is silent about its keys': ['/jwks', 'silence', /timeout/],
  fails: [discovery, { status: 500, body: '{}' }, /answers 500/],
  'has no keys any more': ['/jwks', { status: 404, body: '{}' }, /jwks answers 404/],
  'leads elsewhere': [discovery, { status: 302, body: '', location: jwksUri }, /answers 302/],
  'leads elsewhere for its keys': [
    '/jwks',
    { status: 307, body: '', location: `${issuer}/jwks2` },
    /answers 307/,
  ],
  'is of another issuer': [
    discovery,
    { status: 200, body: JSON.stringify({ issuer: `${issuer}/`, jwks_uri: jwksUri }) },
    /names another issuer/,
  ],
  'shows its keys without TLS': [
    discovery,
    { status: 200, body: JSON.stringify({ issuer, jwks_uri: 'http://127.0.0.1:1/jwks' }) },
    /has no https jwks_uri/,
  ],
  'names no keys': [discovery, { status: 200, body: JSON.stringify({ issuer }) }, /has no https jwks_uri/],
  'answers with no JSON': [discovery, { status: 200, body: '<html>' }, /does not answer with a JSON object/],
  'answers with no object': ['/jwks', { status: 200, body: 'null' }, /does not answer with a JSON object/],
  'answers with no key': ['/jwks', { status: 200, body: '{"keys":{}}' }, /answers without a list of keys/],
  'answers with keys that are none': ['/jwks', { status: 200, body: '{"keys":[1]}' }, /Key Set malformed/],
  'answers without end': [
    '/jwks',
    { status: 200, body: `{"keys":[],"more":"${'x'.repeat(1_100_000)}"}` },
    /exceeded/,
  ],
});

function beginToLie(liar: OidcProvider, [path, answer]: Lie): void {
  for (const other of [discovery, '/jwks'] as const) liar.answerInstead(other, undefined);
  liar.answerInstead(path, answer);
}

testRecognizer(t, async (t) => {
  const { provider, recognizer } = await setUp(t, {});
  const failing: Record<string, Failing> = {};
  const liar = await startOidcProvider(t, { audience: 'millrace' });
  for (const [what, lie] of Object.entries(lies(liar))) {
    const limitMs = lie[1] === 'silence' ? 300 : 5_000;
    failing[what] = {
      recognizer: recognizerOf(t, liar, { times: { ...eager, limitMs } }),
      token: liar.token(claimsOf(liar)),
      begin: () => beginToLie(liar, lie),
    };
  }
  const gone = await startOidcProvider(t);
  await gone.stop();
  const token = provider.token(claimsOf(provider));
  failing['cannot be reached'] = { recognizer: recognizerOf(t, gone), token: gone.token(claimsOf(gone)) };
  failing['shows a certificate of nobody'] = {
    recognizer: recognizerOf(t, provider, { ca: gone.ca }),
    token,
  };
  const [header = '', payload = ''] = provider.token(claimsOf(provider), { alg: 'HS256' }).split('.');
  const byPublicKey = createHmac('sha256', provider.publicKey)
    .update(`${header}.${payload}`)
    .digest('base64url');
  return {
    recognizer,
    token,
    name: `${provider.issuer}#4711`,
    rejected: {
      expired: provider.token(claimsOf(provider, { exp: nowSeconds - 31 })),
      'signed with the public key as a secret': `${header}.${payload}.${byPublicKey}`,
      'of another provider, under the same name of its key': gone.token(claimsOf(provider)),
    },
    failing,
    asked: () => provider.read.length,
    mostAsked: 2,
  };
});

t.test('the cause of an error says what is wrong with the provider', async (t) => {
  const liar = await startOidcProvider(t, { audience: 'millrace' });
  for (const [what, lie] of Object.entries(lies(liar))) {
    const limitMs = lie[1] === 'silence' ? 300 : 5_000;
    const recognizer = recognizerOf(t, liar, { times: { ...eager, limitMs } });
    beginToLie(liar, lie);
    const failed = recognizer.recognize(liar.token(claimsOf(liar)));
    await t.rejects(failed, { ...unknown, cause: { message: lie[2] } }, what);
  }
  t.notOk(liar.read.includes('/jwks2'), 'no redirect is followed');
});

t.test('roles are rights', async (t) => {
  const { provider, recognizer } = await setUp(t);
  const may = async (groups: unknown, right: 'view' | 'operate' | 'activate') =>
    callerIn(await recognizer.recognize(provider.token(claimsOf(provider, { groups })))).may(right, 'geo');
  t.strictSame([await may(['staff'], 'view'), await may(['staff'], 'operate')], [true, false]);
  t.strictSame([await may(['sre'], 'operate'), await may(['sre'], 'activate')], [true, false]);
  t.equal(await may([], 'view'), false);
  const deeper = recognizerOf(t, provider, { rolesClaim: 'realm_access.roles' });
  const token = provider.token(claimsOf(provider, { realm_access: { roles: ['sre'] }, email: 'a@b.c' }));
  const caller = callerIn(await deeper.recognize(token));
  t.equal(caller.name, `${provider.issuer}#4711 (a@b.c)`);
  t.ok(await caller.may('operate', undefined));
});

t.test('a token is valid in its time, with 30 s for clocks that differ', async (t) => {
  const { kindOf } = await setUp(t);
  for (const claims of [
    { exp: nowSeconds - 29 },
    { nbf: nowSeconds + 29 },
    { iat: nowSeconds + 29 },
    { iat: 0 },
  ])
    t.equal(await kindOf(claims), 'caller', JSON.stringify(claims));
  for (const claims of [
    { exp: nowSeconds - 30 },
    { exp: undefined },
    { exp: 'never' },
    { nbf: nowSeconds + 31 },
    { iat: nowSeconds + 31 },
    { iat: undefined },
  ])
    t.equal(await kindOf(claims), 'refused', JSON.stringify(claims));
});

t.test('a token must be for our audience, and have a subject', async (t) => {
  const { kindOf } = await setUp(t);
  t.equal(await kindOf({ aud: ['other', 'millrace'] }), 'caller');
  for (const claims of [
    { aud: 'other' },
    { aud: [] },
    { aud: undefined },
    { sub: '' },
    { sub: 7 },
    { sub: undefined },
  ])
    t.equal(await kindOf(claims), 'refused', JSON.stringify(claims));
});

t.test('a token of another issuer is unknown, and the provider is not asked', async (t) => {
  const { provider, kindOf } = await setUp(t);
  for (const iss of [
    `${provider.issuer}/`,
    provider.issuer.toUpperCase(),
    'https://kubernetes.default.svc',
    undefined,
    [provider.issuer],
  ])
    t.equal(await kindOf({ iss }), 'unknown', JSON.stringify(iss));
  t.strictSame(provider.read, []);
});

t.test('access tokens and ID tokens are accepted, and no others', async (t) => {
  const { kindOf } = await setUp(t);
  for (const typ of ['JWT', 'at+jwt', 'application/at+jwt', 'AT+JWT', undefined])
    t.equal(await kindOf({}, { typ }), 'caller', String(typ));
  for (const typ of ['logout+jwt', 'dpop+jwt', 'secevent+jwt', ''])
    t.equal(await kindOf({}, { typ }), 'refused', typ);
  t.equal(await kindOf({}, { crit: ['b64'], b64: false }), 'refused');
});

t.test('the reason why a token is not valid quotes nothing of the token', async (t) => {
  const { provider, recognizer } = await setUp(t);
  const why = async (token: string) => {
    const recognition = await recognizer.recognize(token);
    return recognition.kind === 'refused' ? recognition.why : recognition.kind;
  };
  const begin = `the token of ${provider.issuer} is not valid: `;
  const good = provider.token(claimsOf(provider));
  t.equal(await why(provider.token(claimsOf(provider, { exp: 1 }))), `${begin}it has expired`);
  t.equal(await why(provider.token(claimsOf(provider, { aud: 'x' }))), `${begin}its claim aud is wrong`);
  t.equal(
    await why(provider.token(claimsOf(provider, { exp: undefined }))),
    `${begin}its claim exp is missing`,
  );
  t.equal(await why(`${good.slice(0, -4)}AAAA`), `${begin}its signature is wrong`);
  t.equal(
    await why(provider.token(claimsOf(provider), { kid: 'x' })),
    `${begin}the issuer publishes no such key`,
  );
  t.equal(
    await why(provider.token(claimsOf(provider), { alg: 'HS256' })),
    `${begin}it is not signed by an accepted algorithm`,
  );
  t.equal(await why(`e30.${good.split('.')[1]}.`), `${begin}it is malformed`);
});

t.test('a new key is found, and a removed one is no longer trusted', async (t) => {
  const { provider, recognizer } = await setUp(t);
  const old = provider.token(claimsOf(provider));
  t.equal((await recognizer.recognize(old)).kind, 'caller');
  provider.rotateKeys();
  t.equal((await recognizer.recognize(provider.token(claimsOf(provider)))).kind, 'caller');
  t.equal((await recognizer.recognize(old)).kind, 'refused');
});

t.test('tokens with unknown keys do not cause a request each', async (t) => {
  const { provider, kindOf } = await setUp(t, {});
  for (let n = 0; n < 20; n += 1) t.equal(await kindOf({}, { kid: `made-up-${n}` }), 'refused');
  t.strictSame(provider.read, [discovery, '/jwks']);
});

t.test('known keys stay in use while the provider fails, and it is asked seldom', async (t) => {
  const { provider, recognizer, kindOf } = await setUp(t, { cooldownMs: 0, firstBackoffMs: 3_600_000 });
  t.equal(await kindOf({}), 'caller');
  provider.answerInstead('/jwks', { status: 503, body: '{}' });
  for (let n = 0; n < 20; n += 1) await t.rejects(kindOf({}, { kid: `made-up-${n}` }), unknown);
  t.equal(await kindOf({}), 'caller');
  t.strictSame(provider.read, [discovery, '/jwks', '/jwks']);
  await recognizer.close();
});

t.test(
  'a provider need not be there at the start, and is found again when its keys have moved',
  async (t) => {
    const { provider, kindOf } = await setUp(t, { ...eager, keysMs: 0 });
    provider.answerInstead(discovery, { status: 503, body: '' });
    await t.rejects(kindOf({}), unknown);
    provider.answerInstead(discovery, undefined);
    t.equal(await kindOf({}), 'caller');
    provider.answerInstead('/jwks', { status: 404, body: '' });
    await t.rejects(kindOf({}), unknown, 'keys that are too old are not trusted');
    provider.answerInstead('/jwks', undefined);
    t.equal(await kindOf({}), 'caller');
    t.equal(provider.read.at(-2), discovery);
  },
);

t.test('an issuer is an https URL', async (t) => {
  const options = { audience: 'millrace', viewers: [], operators: [] };
  for (const issuer of [
    '',
    'sso',
    'http://sso.test',
    'https://a:b@sso.test',
    'https://sso.test?a=b',
    'https://sso.test#a',
  ])
    t.throws(() => createOidc({ ...options, issuer }), { code: 'MILLRACE_CONFIG_INVALID' }, issuer);
});
