import fc from 'fast-check';
import t from 'tap';
import {
  parseClientProperties,
  parseServiceBinding,
} from '../../../../core/kafka/properties/client-properties.ts';
import { makeCertificate } from '../../../scaler/fixtures/certificates.ts';
import { login, mistakesOf, propertiesText } from './client-properties-text.ts';

const { ca, cert, key } = await makeCertificate(t.testdir(), 'one');

t.test('a file as Kafka’s own tools take it', async (t) => {
  const verdict = parseClientProperties(`
# How the gateway reaches Kafka.
bootstrap.servers = kafka-0:9093,kafka-1:9093
client.id: orders
security.protocol=sasl_ssl
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\
    username="alice" \\
    password="s3\\\\"cret";
ssl.truststore.type=PEM
ssl.truststore.location=/etc/kafka/ca.pem
ssl.keystore.location=/etc/kafka/ca.pem
acks=all
group.id=mine
client.rack = eu-1a
auto.offset.reset=earliest
`);
  if (verdict.kind === 'wrong') throw new Error(mistakesOf(verdict).join('\n'));
  const { properties } = verdict;
  t.strictSame(properties.brokers, ['kafka-0:9093', 'kafka-1:9093']);
  t.equal(properties.clientId, 'orders');
  t.equal(properties.rackId, 'eu-1a');
  t.strictSame(properties.files, ['/etc/kafka/ca.pem'], 'each once');
  t.strictSame(properties.credentials(new Map([['/etc/kafka/ca.pem', String(cert) + String(key)]])), {
    kind: 'right',
    credentials: {
      tls: {
        ca: String(cert),
        certificate: String(cert),
        key: String(key),
        keyPassword: undefined,
        verifyHostname: true,
      },
      sasl: { mechanism: 'scram-sha-512', username: 'alice', password: 's3"cret' },
    },
  });
  t.match(properties.credentials(new Map()), {
    kind: 'wrong',
    mistakes: [
      {
        path: 'ssl.truststore.location',
        line: 11,
        message: 'names the file "/etc/kafka/ca.pem", which cannot be read',
      },
      { path: 'ssl.keystore.location', line: 12 },
    ],
  });
});

t.test('plain text is what is meant where nothing else is said', async (t) => {
  for (const text of [
    'bootstrap.servers=a:1',
    'bootstrap.servers=a:1\nsecurity.protocol=PLAINTEXT\nsasl.mechanism=PLAIN',
  ]) {
    const verdict = parseClientProperties(text);
    if (verdict.kind === 'wrong') throw new Error(mistakesOf(verdict).join('\n'));
    t.equal(verdict.properties.clientId, undefined);
    t.equal(verdict.properties.rackId, undefined);
    t.strictSame(verdict.properties.files, []);
    const credentials = { tls: undefined, sasl: undefined };
    t.strictSame(verdict.properties.credentials(new Map()), { kind: 'right', credentials });
  }
});

t.test('all mistakes are told at once, each with its line and what to do', async (t) => {
  const text = `boostrap.servers=a:1
security.protocol=SASL_SSL
sasl.mechanism=GSSAPI
sasl.kerberos.service.name=kafka
ssl.truststore.type=JKS
ssl.keystore.key=s3cret
client.id=\\u00
ssl.key.pasword=s3cret
`;
  const verdict = parseClientProperties(text);
  t.notMatch(JSON.stringify(verdict), 's3cret');
  const mistakes = verdict.kind === 'wrong' ? verdict.mistakes : [];
  t.strictSame(
    mistakes.map(({ path, line }) => [line, path]),
    [
      [undefined, 'ssl.keystore.certificate.chain'],
      [1, 'boostrap.servers'],
      [3, 'sasl.mechanism'],
      [4, 'sasl.kerberos.service.name'],
      [5, 'ssl.truststore.type'],
      [7, ''],
      [8, 'ssl.key.pasword'],
    ],
  );
  for (const { code, message, remedy } of mistakes) {
    t.equal(code, 'MILLRACE_CONFIG_INVALID');
    t.match(message, /[^.]$/);
    t.match(remedy, /[.?]$/);
  }
});

t.test('brokers must be addresses; they may be named elsewhere', async (t) => {
  for (const brokers of ['kafka', 'http://kafka:9092']) {
    const verdict = parseClientProperties(propertiesText({ 'bootstrap.servers': brokers }));
    const message = 'must be addresses such as kafka:9092, separated by commas';
    t.strictSame(mistakesOf(verdict as never), [`bootstrap.servers: ${message}`]);
  }
  for (const brokers of [undefined, '']) {
    const verdict = parseClientProperties(propertiesText({ 'bootstrap.servers': brokers }));
    t.match(verdict, { kind: 'right', properties: { brokers: undefined } });
  }
});

t.test('a file need not say where the brokers are, and a binding must', async (t) => {
  for (const brokers of [undefined, '']) {
    const verdict = parseClientProperties(propertiesText({ 'bootstrap.servers': brokers }));
    t.strictSame(verdict.kind === 'right' && verdict.properties.brokers, undefined);
  }
  for (const values of [{}, { 'bootstrap.servers': ' ' }])
    t.strictSame(mistakesOf(parseServiceBinding(values) as never), ['bootstrap.servers: is missing']);
});

t.test('a protocol must be one of Kafka’s, and be named where anything is said of security', async (t) => {
  const all = 'PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL';
  for (const [properties, message, remedy] of [
    [{ 'security.protocol': 'SLL' }, `must be one of ${all}, is "SLL"`, 'Did you mean SSL?'],
    [{ 'security.protocol': 'mutual' }, `must be one of ${all}, is "mutual"`, `Write one of ${all}.`],
    [
      { 'ssl.truststore.certificates': String(ca) },
      'is missing, which means PLAINTEXT to a Kafka client, and leaves out ssl.truststore.certificates',
      'Write `security.protocol=SSL`.',
    ],
    [
      {
        'ssl.endpoint.identification.algorithm': '',
        'sasl.mechanism': 'PLAIN',
        'sasl.jaas.config': login('plain.PlainLoginModule', 'username="a" password="b"'),
      },
      'is missing, which means PLAINTEXT to a Kafka client, and leaves out ssl.endpoint.identification.algorithm',
      'Write `security.protocol=SASL_SSL`.',
    ],
  ] as const) {
    const verdict = parseClientProperties(propertiesText(properties));
    t.match(verdict, { kind: 'wrong', mistakes: [{ path: 'security.protocol', message, remedy }] });
    t.equal(mistakesOf(verdict as never).length, 1);
  }
});

t.test('a binding as Strimzi’s Access Operator writes it', async (t) => {
  const common = {
    type: 'kafka',
    provider: 'strimzi',
    'bootstrap.servers': 'main-kafka-bootstrap.kafka.svc:9093',
    'bootstrap-servers': 'main-kafka-bootstrap.kafka.svc:9093',
    bootstrapServers: 'main-kafka-bootstrap.kafka.svc:9093',
    'ssl.truststore.crt': String(ca),
  };
  const tls = { ca: String(ca), verifyHostname: true };
  for (const [own, credentials] of [
    [
      {
        'security.protocol': 'SASL_SSL',
        securityProtocol: 'SASL_SSL',
        username: 'orders',
        user: 'orders',
        password: 's3cret',
        'sasl.mechanism': 'SCRAM-SHA-512',
        saslMechanism: 'SCRAM-SHA-512',
        'sasl.jaas.config': login('scram.ScramLoginModule', 'username="orders" password="s3cret"'),
      },
      { tls, sasl: { mechanism: 'scram-sha-512', username: 'orders', password: 's3cret' } },
    ],
    [
      { 'security.protocol': 'SSL', 'ssl.keystore.crt': String(cert), 'ssl.keystore.key': String(key) },
      {
        tls: { ...tls, certificate: String(cert), key: String(key), keyPassword: undefined },
        sasl: undefined,
      },
    ],
    [{ 'security.protocol': 'SSL' }, { tls, sasl: undefined }],
  ] as const) {
    const verdict = parseServiceBinding({ ...common, ...own });
    if (verdict.kind === 'wrong') throw new Error(mistakesOf(verdict).join('\n'));
    t.strictSame(verdict.properties.brokers, ['main-kafka-bootstrap.kafka.svc:9093']);
    t.strictSame(verdict.properties.credentials(new Map()), { kind: 'right', credentials });
  }
});

t.test('a binding by names of others; mistakes are told by the key that is there', async (t) => {
  const values = { bootstrapServers: 'kafka:9092', securityProtocol: 'SASL_SSL', saslMechanism: 'PLAIN' };
  const right = parseServiceBinding({ ...values, user: 'orders', password: 's3cret' });
  const credentials = right.kind === 'right' && right.properties.credentials(new Map());
  t.match(credentials, { credentials: { sasl: { mechanism: 'plain', username: 'orders' } } });
  const wrong = parseServiceBinding({
    ...values,
    saslMechanism: 'GSSAPI',
    'ssl.truststore.crt': 's3cret',
    __proto__x: '',
  });
  t.strictSame(mistakesOf(wrong as never), [
    'ssl.truststore.crt: has no CERTIFICATE block of PEM',
    'saslMechanism: names a mechanism that Millrace does not speak, is "GSSAPI"',
  ]);
});

t.test('a binding cannot have files of the gateway read, nor sent to a provider of its own', async (t) => {
  const token = '/var/run/secrets/kubernetes.io/serviceaccount/token';
  const verdict = parseServiceBinding({
    'bootstrap.servers': 'kafka:9092',
    'security.protocol': 'SASL_SSL',
    'sasl.mechanism': 'OAUTHBEARER',
    'sasl.oauthbearer.token.endpoint.url': 'https://thief.example.com/token',
    'sasl.oauthbearer.assertion.file': token,
    'sasl.jaas.config': login('oauthbearer.OAuthBearerLoginModule', `ssl.truststore.location="${token}"`),
    'ssl.truststore.location': token,
    'ssl.keystore.location': token,
  });
  t.strictSame(
    mistakesOf(verdict as never)
      .map((mistake) => mistake.split(', ')[0])
      .toSorted(),
    [
      'sasl.jaas.config: names a file',
      'sasl.oauthbearer.assertion.file: names a file',
      'ssl.keystore.location: names a file',
      'ssl.truststore.location: names a file',
    ],
  );
});

t.test('whatever stands in a file, a verdict comes, and its secrets do not', async (t) => {
  const secret = 'c0nf1dential';
  const name = fc.constantFrom(
    'bootstrap.servers',
    'security.protocol',
    'sasl.mechanism',
    'sasl.jaas.config',
    'ssl.key.password',
    'ssl.keystore.key',
    'ssl.truststore.password',
    'sasl.oauthbearer.client.credentials.client.secret',
    'sasl.oauthbearer.token.endpoint.url',
    'ssl.endpoint.identification.algorithm',
    'acks',
  );
  const value = fc.constantFrom(
    'kafka:9092',
    'SASL_SSL',
    'SSL',
    'PLAIN',
    'OAUTHBEARER',
    'PEM',
    '', // prettier-ignore
    login('plain.PlainLoginModule', 'username="alice" passwort="c0nf1dential"'),
    login('scram.ScramLoginModule', 'password=c0nf1dential'),
    'https://alice:c0nf1dential@sso/token',
  );
  const isSecret = /password|jaas|key$|secret|url/;
  const line = fc
    .tuple(name, value, fc.constantFrom('=', ':', ' ', '\\', '\\\n', '\n', '#'), fc.boolean())
    .map(([name, value, sign, plants]) => `${name}${sign}${plants && isSecret.test(name) ? secret : value}`)
    .filter((line) => isSecret.test(line) || !line.includes(secret));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const verdict = parseClientProperties(lines.join('\n'));
      t.ok(verdict.kind === 'right' || verdict.mistakes.length > 0);
      t.notOk(JSON.stringify(verdict).includes(secret));
    }),
  );
});

t.test('a hundred mistakes are enough', async (t) => {
  for (const line of ['ssl.x=1', '\\u00x=1']) {
    const verdict = parseClientProperties(Array.from({ length: 300 }, () => line).join('\n'));
    t.equal(verdict.kind === 'wrong' && verdict.mistakes.length, 100);
  }
});
