import t from 'tap';
import { makeCertificate } from '../../../scaler/fixtures/certificates.ts';
import { credentialsOf, login, mistakesOf } from './client-properties-text.ts';

const prefix = 'sasl.oauthbearer.';
const tokenEndpoint = 'https://sso.example.com/token?realm=kafka';
const ca = String((await makeCertificate(t.testdir(), 'provider')).ca);

function verdictOf(
  { options, ...own }: Readonly<Record<string, string | undefined>>,
  files: Readonly<Record<string, string>> = {},
) {
  const properties = {
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'OAUTHBEARER',
    [`${prefix}token.endpoint.url`]: tokenEndpoint,
    ...(options === undefined
      ? {}
      : { 'sasl.jaas.config': login('oauthbearer.OAuthBearerLoginModule', options) }),
    ...Object.fromEntries(Object.entries(own).map(([name, value]) => [prefix + name, value])),
  };
  return credentialsOf(properties, files);
}

const right = (sasl: object) => ({
  kind: 'right',
  credentials: {
    tls: undefined,
    sasl: {
      mechanism: 'oauthbearer',
      tokenEndpoint,
      scope: undefined,
      extensions: undefined,
      ca: undefined,
      ...sasl,
    },
  },
});

t.test(
  'a client and its secret are named by options of the login, or by properties, which go before',
  async (t) => {
    const options = 'clientId="a" clientSecret="b" scope="c d"';
    const old = { clientId: 'a', clientSecret: 'b', scope: 'c d' };
    t.strictSame(verdictOf({ options }), right(old));
    const own = { 'client.credentials.client.id': 'x', 'client.credentials.client.secret': 'y', scope: 'z' };
    const young = { clientId: 'x', clientSecret: 'y', scope: 'z' };
    t.strictSame(verdictOf(own), right(young));
    t.strictSame(verdictOf({ options, ...own }), right(young));
  },
);

t.test('an assertion is read from its file, and goes before a secret', async (t) => {
  const own = { 'assertion.file': '/run/token' };
  const clientAssertion = 'e30.e30._-8';
  const files = { '/run/token': ` ${clientAssertion}\n` };
  t.strictSame(verdictOf(own, files), right({ clientId: undefined, clientAssertion }));
  const options = 'clientId="a" clientSecret="b"';
  t.strictSame(verdictOf({ ...own, options }, files), right({ clientId: 'a', clientAssertion }));
  for (const text of ['', 's3cret', 'a.b', 'a.b.c.d', 'a.b c.d']) {
    const verdict = verdictOf(own, { '/run/token': text });
    t.strictSame(mistakesOf(verdict), [
      'sasl.oauthbearer.assertion.file: names the file "/run/token", which is no signed JWT',
    ]);
  }
  t.strictSame(mistakesOf(verdictOf(own)), [
    'sasl.oauthbearer.assertion.file: names the file "/run/token", which cannot be read',
  ]);
});

t.test('extensions go to the broker with the token', async (t) => {
  const options = 'clientId="a" clientSecret="b" extension_logicalCluster="lkc-1" extension_pool="p q"';
  const extensions = { logicalCluster: 'lkc-1', pool: 'p q' };
  t.strictSame(verdictOf({ options }), right({ clientId: 'a', clientSecret: 'b', extensions }));
  const wrong = verdictOf({ options: 'clientId="a" clientSecret="b" extension_auth="s3cret"' });
  t.strictSame(mistakesOf(wrong), [
    'sasl.jaas.config: has an extension with the name auth, which is reserved for the token',
  ]);
});

t.test('authorities for the provider stand in the login', async (t) => {
  const client = 'clientId="a" clientSecret="b"';
  const expected = right({ clientId: 'a', clientSecret: 'b', ca });
  const quoted = ca.replaceAll('\n', '\\n');
  t.strictSame(verdictOf({ options: `${client} ssl.truststore.certificates="${quoted}"` }), expected);
  const options = `${client} ssl.truststore.location="/ca.pem" ssl.truststore.type="PEM"`;
  t.strictSame(verdictOf({ options }, { '/ca.pem': ca }), expected);
  for (const [text, message] of [
    ['\xfe\xed\xfe\xed', 'has a truststore for the provider, which has no CERTIFICATE block of PEM'],
    [undefined, 'names the file "/ca.pem", which cannot be read'],
  ] as const) {
    const verdict = verdictOf({ options }, text === undefined ? {} : { '/ca.pem': text });
    t.strictSame(mistakesOf(verdict), [`sasl.jaas.config: ${message}`]);
  }
});

t.test('the token endpoint must be there, and be a URL that shows no secret', async (t) => {
  const options = 'clientId="a" clientSecret="b"';
  const name = 'token.endpoint.url';
  t.strictSame(mistakesOf(verdictOf({ options, [name]: undefined })), [`${prefix}${name}: is missing`]);
  for (const url of [
    'x',
    '/token',
    'file:///s3cret',
    'https://u:s3cret@sso/token',
    'https://s3cret@sso/token',
    'https://sso/#s3cret',
  ]) {
    const verdict = verdictOf({ options, [name]: url });
    t.strictSame(mistakesOf(verdict), [
      `${prefix}${name}: must be an http or https URL without user, password or fragment`,
    ]);
    t.notMatch(JSON.stringify(verdict), 's3cret');
  }
  t.equal(verdictOf({ options, [name]: 'http://localhost:8080/token' }).kind, 'right');
});

t.test('a client without a proof is a mistake, and so is a proof without a client', async (t) => {
  const [id, secret] = [
    'client.credentials.client.id: is missing',
    'client.credentials.client.secret: is missing',
  ];
  for (const [options, lacking] of [
    ['', [id, secret]],
    ['clientId="a"', [secret]],
    ['clientId="" clientSecret="b"', [id]],
    [undefined, [id, secret]],
  ] as const) {
    t.strictSame(
      mistakesOf(verdictOf({ options })),
      lacking.map((one) => prefix + one),
    );
  }
});

t.test('of a login that cannot be read nothing else is said', async (t) => {
  const verdict = credentialsOf({
    'security.protocol': 'SASL_SSL',
    'sasl.mechanism': 'OAUTHBEARER',
    'sasl.jaas.config': login('plain.PlainLoginModule', ''),
  });
  t.strictSame(mistakesOf(verdict), [
    'sasl.oauthbearer.token.endpoint.url: is missing',
    'sasl.jaas.config: has another login module than OAuthBearerLoginModule, which this sasl.mechanism needs',
  ]);
});
