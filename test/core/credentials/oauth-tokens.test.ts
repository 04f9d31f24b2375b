import { inspect } from 'node:util';
import t, { type Test } from 'tap';
import { describeError, MillraceError } from '../../../core/contract/errors.ts';
import type { OauthCredentials } from '../../../core/contract/kafka-access.ts';
import { createOauthTokens, type OauthTokens } from '../../../core/credentials/oauth-tokens.ts';
import { planted } from '../../fixtures/secrets/planted.ts';
import { guardOf, type Names } from '../../fixtures/tenant-guard.ts';
import { makeCertificate } from '../../scaler/fixtures/certificates.ts';
import { until } from '../../scaler/fixtures/until.ts';
import {
  json,
  raw,
  startTokenEndpoint,
  token,
  type Answer,
  type TokenEndpoint,
} from './fixtures/token-endpoint.ts';

const clientSecret = planted('@ /+%');

/** Tokens from `endpoint`, with a clock that stands still, and the longest backoff. */
function setUp(
  t: Test,
  endpoint: Pick<TokenEndpoint, 'url'>,
  more: Partial<OauthCredentials> = {},
  limitMs = 10_000,
) {
  const clock = { nowMs: 1_700_000_000_000 };
  const state: { credentials: OauthCredentials } = {
    credentials: {
      mechanism: 'oauthbearer',
      tokenEndpoint: endpoint.url,
      clientId: 'gateway',
      clientSecret,
      ...more,
    },
  };
  const tokens = createOauthTokens({
    credentials: () => state.credentials,
    now: () => clock.nowMs,
    random: () => 1,
    limitMs,
  });
  t.teardown(() => tokens.close());
  return { clock, state, tokens };
}

/** Returns the error, and asserts that it contains no secret. */
async function refused(t: Test, tokens: OauthTokens): Promise<MillraceError> {
  const error: unknown = await tokens.token().catch((error: unknown) => error);
  t.ok(error instanceof MillraceError, inspect(error));
  const forms = [
    clientSecret,
    encodeURIComponent(clientSecret),
    new URLSearchParams({ '': clientSecret }).toString().slice(1),
  ];
  const text = inspect(error, { depth: 10, showHidden: true });
  for (const form of [...forms, Buffer.from(`gateway:${forms[2]}`).toString('base64'), 'half-a-token'])
    t.notOk(text.includes(form), text);
  return error as MillraceError;
}

const jwt = (claims: object): string =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2lnbmF0dXJl`;

t.test('a client with a secret asks as RFC 6749 says', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const more = {
    clientId: 'a:b',
    scope: 'read write',
    audience: 'kafka',
    extensions: { logicalCluster: 'lkc-1' },
  };
  const { tokens } = setUp(t, endpoint, more);
  t.strictSame(await tokens.token(), { value: 'token-1', extensions: { logicalCluster: 'lkc-1' } });
  const [asked] = endpoint.requests;
  t.strictSame([asked?.method, asked?.path], ['POST', '/token?realm=kafka']);
  t.equal(asked?.headers['content-type'], 'application/x-www-form-urlencoded');
  t.equal(asked?.headers.accept, 'application/json');
  const [scheme, basic = ''] = asked?.headers.authorization?.split(' ') ?? [];
  t.equal(scheme, 'Basic');
  t.equal(Buffer.from(basic, 'base64').toString(), `a%3Ab:${planted('%40+%2F%2B%25')}`);
  t.strictSame(asked?.form, { grant_type: 'client_credentials', scope: 'read write', audience: 'kafka' });
});

t.test('a client with an assertion asks as RFC 7523 says, and sends no secret', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const assertion = jwt({ sub: 'gateway' });
  const { state, tokens } = setUp(t, endpoint, { clientAssertion: assertion });
  await tokens.token();
  const { clientId: _, ...nameless } = state.credentials;
  state.credentials = nameless;
  await tokens.token();
  const form = {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  };
  t.strictSame(
    endpoint.requests.map((request) => request.form),
    [{ ...form, client_id: 'gateway' }, form],
  );
  for (const { headers } of endpoint.requests) t.equal(headers.authorization, undefined);
});

t.test('a client without secret or assertion sends no request', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  for (const missing of [{ clientSecret: undefined }, { clientId: undefined }]) {
    const { tokens } = setUp(t, endpoint, missing);
    t.equal((await refused(t, tokens)).code, 'MILLRACE_KAFKA_UNAUTHENTICATED');
  }
  t.equal(endpoint.requests.length, 0);
});

t.test(
  'a token is renewed in the background when 80 % of its time have passed, and waited for at its end',
  async (t) => {
    const endpoint = await startTokenEndpoint(t);
    const { clock, tokens } = setUp(t, endpoint);
    const value = async () => (await tokens.token()).value;
    t.equal(await value(), 'token-1');
    endpoint.answer = token('token-2', { expires_in: 100 });
    clock.nowMs += 79_999;
    t.equal(await value(), 'token-1');
    t.equal(endpoint.requests.length, 1);
    clock.nowMs += 1;
    t.strictSame(await Promise.all([value(), value()]), ['token-1', 'token-1']);
    await until(async () => (await value()) === 'token-2');
    t.equal(endpoint.requests.length, 2);
    endpoint.answer = token('token-3', { expires_in: 100 });
    clock.nowMs += 95_000;
    t.equal(await value(), 'token-3');
  },
);

t.test('the lifetime of a token', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const { clock } = setUp(t, endpoint);
  const exp = Math.floor(clock.nowMs / 1_000) + 1_000;
  for (const [name, value, fields, seconds, share = 0.8] of [
    ['as expires_in says', 'opaque', { expires_in: 100 }, 100],
    ['where expires_in is a text', 'opaque', { expires_in: '100' }, 100],
    ['though it is a JWT that says otherwise', jwt({ exp }), { expires_in: 100 }, 100],
    ['as the JWT says', jwt({ exp }), {}, 1_000],
    ['where expires_in is nonsense', jwt({ exp }), { expires_in: 'soon' }, 1_000],
    ['where expires_in is nothing', jwt({ exp }), { expires_in: 0 }, 1_000],
    ['five minutes, where nobody says', 'opaque', {}, 300],
    ['five minutes, where the JWT says nothing', jwt({}), {}, 300],
    ['five minutes, where it looks like a JWT', 'a.bnVsbA.c', {}, 300],
    ['with 20 s left, or half of it: a session lasts as long', 'opaque', { expires_in: 60 }, 60, 2 / 3],
    ['with half of it left', 'opaque', { expires_in: 12 }, 12, 0.5],
    ['a second at least', jwt({ exp: 1 }), {}, 1, 0.5],
  ] as const) {
    t.test(name, async (t) => {
      endpoint.answer = token(value, fields);
      const { clock, tokens } = setUp(t, endpoint);
      const before = endpoint.requests.length;
      await tokens.token();
      clock.nowMs += seconds * 1_000 * share - 1;
      await tokens.token();
      t.equal(endpoint.requests.length, before + 1);
      clock.nowMs += 1;
      await tokens.token();
      await until(() => endpoint.requests.length === before + 2);
    });
  }
});

t.test('other credentials get another token; a new proof of the same client does not', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  let count = 0;
  endpoint.answer = (response, request) =>
    token(`token-${(count += 1)}`, { expires_in: 100 })(response, request);
  const { state, tokens } = setUp(t, endpoint);
  const first = state.credentials;
  await tokens.token();
  const other = await startTokenEndpoint(t);
  other.answer = token('other', { expires_in: 100 });
  for (const [change, value] of [
    [{ clientId: 'other' }, 'token-2'],
    [{ clientSecret: 'other' }, 'token-3'],
    [{ scope: 'other' }, 'token-4'],
    [{ audience: 'other' }, 'token-5'],
    [{ clientAssertion: 'a.b.c' }, 'token-6'],
    [{ clientAssertion: 'd.e.f' }, 'token-6'],
    [{ extensions: { a: 'b' } }, 'token-6'],
    [{ tokenEndpoint: other.url }, 'other'],
  ] as const) {
    state.credentials = { ...first, ...change };
    t.equal((await tokens.token()).value, value, inspect(change));
  }
});

const unauthenticated = 'MILLRACE_KAFKA_UNAUTHENTICATED';
const unreachable = 'MILLRACE_KAFKA_UNREACHABLE';

t.test('a token that a broker refuses is replaced, unless it was issued just now', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const { clock, tokens } = setUp(t, endpoint);
  t.equal((await tokens.token()).value, 'token-1');
  endpoint.answer = token('token-2');
  tokens.refused('token-1');
  t.equal((await tokens.token()).value, 'token-1', 'another would be refused as well');
  clock.nowMs += 10_000;
  tokens.refused('token-0');
  t.equal((await tokens.token()).value, 'token-1', 'that was another');
  tokens.refused('token-1');
  t.equal((await tokens.token()).value, 'token-2');
});

t.test('what the provider answers instead of a token', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const provider = `the token endpoint of http://localhost:${endpoint.port}`;
  const refusal = { error: 'invalid_client', error_description: 'Unknown client.' };
  for (const [answer, code, message] of [
    [json(400, { error: 'invalid_scope' }), unauthenticated, 'refuses (400): invalid_scope'],
    [json(401, refusal), unauthenticated, 'refuses (401): invalid_client: Unknown client.'],
    [raw(403, '<html>'), unauthenticated, 'refuses (403): it does not say why'],
    [json(400, { error: 7, error_description: null }), unauthenticated, 'refuses (400): it does not say why'],
    [raw(429, ''), unreachable, 'answers 429 instead of a token'],
    [raw(503, 'half-a-token'), unreachable, 'answers 503 instead of a token'],
    [raw(404, ''), unreachable, 'answers 404 instead of a token'],
    [raw(200, ''), unreachable, 'answers 200 with no access_token'],
    [raw(200, 'null'), unreachable, 'answers 200 with no access_token'],
    [raw(200, '{"access_token":"half-a-token'), unreachable, 'answers 200 with no access_token'],
    [token(''), unreachable, 'answers 200 with no access_token'],
    [token(7), unreachable, 'answers 200 with no access_token'],
    [
      token('half-a-token', { token_type: 'mac' }),
      unreachable,
      'answers 200 with a token that is not of the type Bearer',
    ],
    [
      token('half-a-token', { token_type: 1 }),
      unreachable,
      'answers 200 with a token that is not of the type Bearer',
    ],
    ...['half-a-token\x01auth=b', 'half-a-tokén', 'half-a-token b', 'half-a-token\n'].map(
      (value) =>
        [
          token(value),
          unreachable,
          'answers 200 with a token that has characters other than visible ASCII',
        ] as const,
    ),
  ] as readonly (readonly [Answer, string, string])[]) {
    endpoint.answer = answer;
    const error = await refused(t, setUp(t, endpoint).tokens);
    t.strictSame([error.code, describeError(error)], [code, `${provider} ${message}`]);
  }
});

t.test('what the provider says becomes one line without secrets, even if it repeats them', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const said = `no\r\n\x1b[31m\u2028way ${clientSecret} ${encodeURIComponent(clientSecret)} ${'x'.repeat(500)}`;
  endpoint.answer = (response, { headers }) =>
    json(401, { error: headers.authorization, error_description: said })(response, { headers } as never);
  const { message } = await refused(t, setUp(t, endpoint).tokens);
  t.match(message, /refuses \(401\): Basic \*\*\*: no \[31m way \*\*\* .*x…$/);
  t.ok(message.length < 300);
});

t.test('a token type in any case, or none, is accepted', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  for (const answer of [token('a', { token_type: 'bearer' }), json(200, { access_token: 'a' })]) {
    endpoint.answer = answer;
    t.equal((await setUp(t, endpoint).tokens.token()).value, 'a');
  }
});

t.test('an extension that no broker accepts is refused before any request', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  for (const [extensions, message] of [
    [{ auth: 'x' }, /auth, which is reserved for the token/],
    [{ 'a-b': 'x' }, /"a-b": a name may only have letters/],
    [{ a: `${clientSecret}\x01` }, /an extension a whose value is empty, or has/],
  ] as const) {
    const error = await refused(t, setUp(t, endpoint, { extensions }).tokens);
    t.equal(error.code, unauthenticated);
    t.match(error.message, message);
  }
  t.equal(endpoint.requests.length, 0);
});

t.test('after a failure there is a backoff, which doubles up to 30 s', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const { clock, tokens } = setUp(t, endpoint);
  endpoint.answer = json(401, { error: 'invalid_client' });
  for (const [failures, waitMs] of [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].entries()) {
    const error = await refused(t, tokens);
    t.equal(endpoint.requests.length, failures + 1);
    clock.nowMs += waitMs - 1;
    t.equal(await refused(t, tokens), error, 'the same error is repeated');
    t.equal(endpoint.requests.length, failures + 1);
    clock.nowMs += 1;
  }
  endpoint.answer = token('good', { expires_in: 100 });
  t.equal((await tokens.token()).value, 'good');
  endpoint.answer = raw(503, '');
  clock.nowMs += 100_000;
  await refused(t, tokens);
  clock.nowMs += 500;
  await refused(t, tokens);
  t.equal(endpoint.requests.length, 11, 'a token resets the backoff');
});

t.test('other credentials, or another proof, are tried at once', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const { state, tokens } = setUp(t, endpoint);
  endpoint.answer = json(401, { error: 'invalid_client' });
  const first = state.credentials;
  let asked = 0;
  for (const change of [
    {},
    { clientSecret: 'b' },
    { clientAssertion: 'a.b.c' },
    { clientAssertion: 'd.e.f' },
  ]) {
    state.credentials = { ...first, ...change };
    for (const _ of [1, 2]) await refused(t, tokens);
    t.equal(endpoint.requests.length, (asked += 1), inspect(change));
  }
});

t.test('a valid token is used on while its renewal fails', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const { clock, tokens } = setUp(t, endpoint);
  await tokens.token();
  endpoint.answer = raw(500, '');
  clock.nowMs += 80_000;
  await tokens.token();
  await until(() => endpoint.requests.length === 2);
  clock.nowMs += 14_999;
  t.equal((await tokens.token()).value, 'token-1');
  await until(() => endpoint.requests.length === 3);
  clock.nowMs += 1;
  t.equal((await refused(t, tokens)).code, unreachable);
});

t.test('the error names an endpoint that cannot be reached, or does not answer', async (t) => {
  const hanging = await startTokenEndpoint(t);
  hanging.answer = () => undefined;
  const trickling = await startTokenEndpoint(t);
  trickling.answer = (response) => void response.writeHead(200).write('{"access_token":"half-a-token');
  const endless = await startTokenEndpoint(t);
  endless.answer = raw(200, ' '.repeat(1_048_577));
  for (const [url, reason] of [
    ['http://localhost:1/token', /ECONNREFUSED/],
    [hanging.url, /timeout/i],
    [trickling.url, /timeout/i],
    [endless.url, /max size/],
  ] as const) {
    const error = await refused(t, setUp(t, { url }, {}, 200).tokens);
    t.equal(error.code, unreachable);
    t.match(describeError(error), `the token endpoint of ${new URL(url).origin} does not answer: `);
    t.match(describeError(error), reason);
  }
});

t.test('no redirect is followed', async (t) => {
  const thief = await startTokenEndpoint(t);
  const endpoint = await startTokenEndpoint(t);
  endpoint.answer = raw(307, '', { location: thief.url });
  const error = await refused(t, setUp(t, endpoint).tokens);
  t.match(error.message, /answers 307 instead of a token$/);
  t.equal(thief.requests.length, 0);
});

t.test('a provider with a private CA is trusted if the CA is given', async (t) => {
  const folder = t.testdir();
  const [one, another] = [await makeCertificate(folder, 'one'), await makeCertificate(folder, 'another')];
  const endpoint = await startTokenEndpoint(t, one);
  const { state, tokens } = setUp(t, endpoint);
  const stranger = await refused(t, tokens);
  t.equal(stranger.code, unreachable);
  t.match(describeError(stranger), /does not answer: .*certificate/);
  state.credentials = { ...state.credentials, ca: another.ca.toString() };
  t.equal((await refused(t, tokens)).code, unreachable);
  state.credentials = { ...state.credentials, ca: one.ca.toString() };
  t.equal((await tokens.token()).value, 'token-1');
  t.equal(endpoint.requests.length, 1);
});

t.test('closing aborts requests in flight, and refuses later ones', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  endpoint.answer = () => undefined;
  const { tokens } = setUp(t, endpoint);
  const waiting = [refused(t, tokens), refused(t, tokens)];
  await until(() => endpoint.requests.length === 1);
  await tokens.close();
  for (const error of await Promise.all(waiting)) t.equal(error.code, unreachable);
  t.equal((await refused(t, tokens)).code, unreachable);
  t.equal(endpoint.requests.length, 1);
});

t.test('an error of the credentials rejects the call', async (t) => {
  const tokens = createOauthTokens({
    credentials: () => {
      throw new MillraceError('MILLRACE_CONFIG_INVALID', 'not yet');
    },
  });
  await t.rejects(tokens.token(), { code: 'MILLRACE_CONFIG_INVALID' });
  await tokens.close();
});

t.test('if the guard refuses the endpoint, it is not called, and the error has its address', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const names: Names = { 'sso.test': '127.0.0.2' };
  const credentials = (): OauthCredentials => ({
    mechanism: 'oauthbearer',
    tokenEndpoint: `http://sso.test:${endpoint.port}/`,
    clientId: 'gateway',
    clientSecret,
  });
  const tokens = createOauthTokens({ credentials, random: () => 0, guard: guardOf(names) });
  t.teardown(() => tokens.close());
  t.match(await refused(t, tokens), {
    code: 'MILLRACE_ADDRESS_REFUSED',
    message: `the token endpoint of http://sso.test:${endpoint.port} is not called: sso.test resolves to 127.0.0.2, which is not open`,
  });
  t.equal(endpoint.requests.length, 0);
  names['sso.test'] = '127.0.0.1';
  t.match(await tokens.token(), { value: 'token-1' });
});
