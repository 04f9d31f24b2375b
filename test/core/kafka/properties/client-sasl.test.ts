import t from 'tap';
import { parseServiceBinding } from '../../../../core/kafka/properties/client-properties.ts';
import { credentialsOf, login, mistakesOf } from './client-properties-text.ts';

const scram = login('scram.ScramLoginModule', 'username="alice" password="s3cret"');
const plain = login('plain.PlainLoginModule', 'username="alice" password="s3cret"');

/** Over plain text, so that nothing else is said. */
const verdictOf = (properties: Readonly<Record<string, string | undefined>>) =>
  credentialsOf({ 'security.protocol': 'SASL_PLAINTEXT', ...properties });

t.test('a user and a password', async (t) => {
  for (const [mechanism, config, expected] of [
    ['PLAIN', plain, 'plain'],
    ['SCRAM-SHA-256', scram, 'scram-sha-256'],
    ['SCRAM-SHA-512', scram, 'scram-sha-512'],
  ] as const) {
    const sasl = { mechanism: expected, username: 'alice', password: 's3cret' };
    const verdict = verdictOf({ 'sasl.mechanism': mechanism, 'sasl.jaas.config': config });
    t.strictSame(verdict, { kind: 'right', credentials: { tls: undefined, sasl } });
  }
});

t.test('a user and a password of a binding, which go before a login', async (t) => {
  const binding = {
    'bootstrap.servers': 'kafka:9092',
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'SCRAM-SHA-512',
    'sasl.jaas.config': scram,
  };
  for (const [more, username, password] of [
    [{ username: 'bob', password: 'other' }, 'bob', 'other'],
    [{ username: 'bob' }, 'alice', 's3cret'],
    [{ password: 'other' }, 'alice', 's3cret'],
  ] as const) {
    const verdict = parseServiceBinding({ ...binding, ...more });
    const credentials = verdict.kind === 'right' && verdict.properties.credentials(new Map());
    t.match(credentials, { credentials: { sasl: { mechanism: 'scram-sha-512', username, password } } });
  }
});

t.test('a token of OAuth', async (t) => {
  const verdict = verdictOf({
    'sasl.mechanism': 'OAUTHBEARER',
    'sasl.oauthbearer.token.endpoint.url': 'https://sso.example.com/token',
    'sasl.jaas.config': login('oauthbearer.OAuthBearerLoginModule', 'clientId="a" clientSecret="s3cret"'),
    'sasl.login.callback.handler.class':
      'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler',
  });
  t.match(verdict, { kind: 'right', credentials: { sasl: { mechanism: 'oauthbearer' } } });
});

t.test(
  'a mechanism must be named, as Kafka would go on with Kerberos, and be one that is spoken',
  async (t) => {
    const all = 'Write one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER.';
    for (const [mechanism, message, remedy] of [
      [
        undefined,
        'is missing, which means GSSAPI (Kerberos) to a Kafka client, and Millrace does not speak that',
        all,
      ],
      ['GSSAPI', 'names a mechanism that Millrace does not speak, is "GSSAPI"', all],
      ['AWS_MSK_IAM', 'names a mechanism that Millrace does not speak, is "AWS_MSK_IAM"', all],
      ['plain', 'names a mechanism that Millrace does not speak, is "plain"', 'Did you mean PLAIN?'],
      [
        'SCRAM-SHA512',
        'names a mechanism that Millrace does not speak, is "SCRAM-SHA512"',
        'Did you mean SCRAM-SHA-512?',
      ],
    ] as const) {
      const verdict = verdictOf({ 'sasl.mechanism': mechanism, 'sasl.jaas.config': plain });
      t.match(verdict, { kind: 'wrong', mistakes: [{ path: 'sasl.mechanism', message, remedy }] });
    }
  },
);

t.test('what is lacking in a login is told, and nothing of it', async (t) => {
  for (const [options, messages] of [
    ['password="s3cret"', ['has no `username`']],
    ['username="" password="s3cret"', ['has no `username`']],
    ['username="alice" pasword="s3cret"', ['has no `password`']],
    ['username="alice" password=""', ['has no `password`']],
    [
      'username="alice" password="s3cret" tokenauth="true"',
      ['logs in by a delegation token, which Millrace does not'],
    ],
  ] as const) {
    const config = login('scram.ScramLoginModule', options);
    const verdict = verdictOf({ 'sasl.mechanism': 'SCRAM-SHA-512', 'sasl.jaas.config': config });
    t.strictSame(
      mistakesOf(verdict),
      messages.map((message) => `sasl.jaas.config: ${message}`),
    );
    t.notMatch(JSON.stringify(verdict), 's3cret');
  }
  t.strictSame(mistakesOf(verdictOf({ 'sasl.mechanism': 'PLAIN' })), ['sasl.jaas.config: is missing']);
});

t.test('a Java class that logs in in its own way is not followed', async (t) => {
  const name = 'sasl.login.callback.handler.class';
  const verdict = verdictOf({
    'sasl.mechanism': 'PLAIN',
    'sasl.jaas.config': plain,
    [name]: 'com.example.Login',
  });
  t.strictSame(mistakesOf(verdict), [`${name}: names a Java class that logs in in its own way`]);
});
