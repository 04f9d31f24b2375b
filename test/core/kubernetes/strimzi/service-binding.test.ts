import t from 'tap';
import { resolveBinding } from '../../../../core/kubernetes/strimzi/service-binding.ts';
import { encryptKey } from '../../../fixtures/access/authority.ts';
import { makeCertificate } from '../../../scaler/fixtures/certificates.ts';

const { ca, cert, key } = await makeCertificate(t.testdir(), 'one');

const secretName = 'kafka-binding';
const at = (name: string) => ({ secretName, key: name });

function resolve(values: Readonly<Record<string, string>>) {
  return resolveBinding(
    secretName,
    'geo',
    new Map(Object.entries(values).map(([name, text]) => [name, Buffer.from(text)])),
  );
}

/** The keys that Strimzi's Access Operator always writes. */
const common = {
  type: 'kafka',
  provider: 'strimzi',
  'bootstrap.servers': 'a:9093,b:9093',
  bootstrapServers: 'a:9093,b:9093',
};
const withCa = { ...common, 'ssl.truststore.crt': String(ca) };
const byPassword = { username: 'orders', password: 's3cret', 'sasl.mechanism': 'SCRAM-SHA-512' };
const login = `org.apache.kafka.common.security.scram.ScramLoginModule required username="a" password="s3cret";`;

for (const [what, values, spec] of [
  ['plain text', { ...common, 'security.protocol': 'PLAINTEXT' }, {}],
  [
    'TLS with the CAs of Node.js',
    { ...common, 'security.protocol': 'SSL' },
    { tls: { verifyHostname: true } },
  ],
  [
    'a password',
    { ...withCa, ...byPassword, 'security.protocol': 'SASL_SSL', 'sasl.jaas.config': login },
    {
      tls: { verifyHostname: true, ca: at('ssl.truststore.crt') },
      authentication: { type: 'scram-sha-512', username: 'orders', password: at('password') },
    },
  ],
  [
    'a certificate',
    {
      ...withCa,
      'security.protocol': 'SSL',
      'ssl.keystore.crt': String(cert),
      'ssl.keystore.key': String(key),
    },
    {
      tls: { verifyHostname: true, ca: at('ssl.truststore.crt') },
      authentication: { type: 'tls', certificate: at('ssl.keystore.crt'), key: at('ssl.keystore.key') },
    },
  ],
  [
    'an encrypted key, under the names of Kafka',
    {
      ...common,
      'security.protocol': 'SSL',
      'ssl.truststore.certificates': String(ca),
      'ssl.keystore.certificate.chain': String(cert),
      'ssl.keystore.key': encryptKey(String(key), 's3cret'),
      'ssl.key.password': 's3cret',
    },
    {
      tls: { verifyHostname: true, ca: at('ssl.truststore.certificates') },
      authentication: {
        type: 'tls',
        certificate: at('ssl.keystore.certificate.chain'),
        key: at('ssl.keystore.key'),
        keyPassword: at('ssl.key.password'),
      },
    },
  ],
] as const) {
  t.test(`a binding by ${what}`, async (t) => {
    t.strictSame(resolve(values), { kind: 'found', spec: { bootstrapServers: 'a:9093,b:9093', ...spec } });
  });
}

t.test('the mistake says what is missing, and contains no secret', async (t) => {
  const inLogin = { ...common, 'security.protocol': 'SASL_PLAINTEXT', 'sasl.jaas.config': login };
  const scram = { 'sasl.mechanism': 'SCRAM-SHA-512' };
  const oauth = {
    ...common,
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'OAUTHBEARER',
    'sasl.oauthbearer.token.endpoint.url': 'https://sso.example.com/token',
    'sasl.jaas.config':
      'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId="a" clientSecret="s3cret";',
  };
  for (const [resolution, message] of [
    [resolveBinding(secretName, 'geo', undefined), /^names no Secret of namespace geo, is "kafka-binding"$/],
    [
      resolve({ password: 's3cret' }),
      /^names the Secret kafka-binding, which is no binding for Kafka: bootstrap\.servers/,
    ],
    [
      resolve({ ...common, 'security.protocol': 'SSL', 'ssl.truststore.location': '/a' }),
      /no binding for Kafka: ssl\.truststore\.location/,
    ],
    [
      resolve({
        ...common,
        'security.protocol': 'SSL',
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.location': '/a.pem',
      }),
      /no binding for Kafka: ssl\.truststore\.location/,
    ],
    [resolve({ ...inLogin, ...scram }), /whose credentials are not under keys of their own$/],
    [resolve(oauth), /whose credentials are not under keys of their own$/],
  ] as const) {
    if (resolution.kind === 'found') throw new TypeError('found');
    t.match(resolution.mistake, { at: ['spec', 'binding', 'secretName'], message });
    t.notMatch(JSON.stringify(resolution), /s3cret/);
  }
});

t.test('a binding is no larger than a KafkaCluster may be', async (t) => {
  const long = {
    ...common,
    ...byPassword,
    username: 'x'.repeat(21_000),
    'security.protocol': 'SASL_PLAINTEXT',
  };
  t.match(resolve(long), {
    kind: 'missing',
    mistake: {
      message:
        'names the Secret kafka-binding, whose addresses and user must hold at most 20 KiB of names and values',
    },
  });
});
