import t from 'tap';
import { fieldsOfType } from '../../../../core/resources/validation/kafka-cluster-rules.ts';
import { authenticationTypes } from '../../../../core/resources/schema/kafka-cluster-schema.ts';
import { knownCluster, validateKafkaCluster } from '../../../../core/resources/kafka-cluster.ts';
import { formatProblem } from '../../../../core/contract/manifest-problem.ts';
import { pathText } from '../../../../core/contract/path.ts';
import { apiVersion } from '../../../../core/resources/schema/trigger-schema.ts';

const tls = { ca: { secretName: 'kafka-ca' } };
const password = { secretName: 'orders' };
const token = 'https://sso.example.com/token';

function judge(authentication: unknown, spec: object = { tls }) {
  return validateKafkaCluster({
    apiVersion,
    kind: 'KafkaCluster',
    metadata: { name: 'main', namespace: 'geo' },
    spec: { bootstrapServers: 'kafka:9093', ...spec, authentication },
  });
}

function mistakesIn(authentication: unknown, spec?: object): string[] {
  const verdict = judge(authentication, spec);
  if (verdict.kind === 'right') return [];
  return verdict.mistakes.map(({ code, at, message, remedy }) =>
    formatProblem({ code, path: pathText(at), message, remedy }),
  );
}

t.test(
  'each way to authenticate is right with its own fields, and keys have their usual names',
  async (t) => {
    for (const [authentication, expected] of [
      [
        { type: 'scram-sha-512', username: 'orders', password },
        { type: 'scram-sha-512', username: 'orders', password: { secretName: 'orders', key: 'password' } },
      ],
      [
        { type: 'tls', certificate: password, key: { secretName: 'orders', key: 'user.key' } },
        {
          type: 'tls',
          certificate: { secretName: 'orders', key: 'tls.crt' },
          key: { secretName: 'orders', key: 'user.key' },
        },
      ],
      [
        {
          type: 'oauthbearer',
          tokenEndpoint: token,
          clientId: 'orders',
          clientSecret: password,
          scope: 'kafka',
        },
        { clientSecret: { secretName: 'orders', key: 'client-secret' }, scope: 'kafka' },
      ],
      [
        {
          type: 'oauthbearer',
          tokenEndpoint: token,
          clientAssertion: { serviceAccountName: 'kafka', audience: 'sso' },
          extensions: { logicalCluster: 'lkc-1' },
        },
        { clientAssertion: { serviceAccountName: 'kafka', audience: 'sso' } },
      ],
    ] as const) {
      const verdict = judge(authentication);
      t.equal(verdict.kind, 'right', authentication.type);
      t.match(knownCluster(verdict).access, {
        brokers: ['kafka:9093'],
        namespace: 'geo',
        tls: { ca: { secretName: 'kafka-ca', key: 'ca.crt' }, verifyHostname: true },
        authentication: expected,
      });
    }
  },
);

t.test('what a type asks for is reported, with a line to write', async (t) => {
  t.strictSame(mistakesIn({ type: 'plain', username: 'orders' }), [
    'spec.authentication.password: is missing: type plain requires it. Write `password: { secretName: orders }`.',
  ]);
  for (const type of authenticationTypes) {
    const { required } = fieldsOfType[type];
    const told = mistakesIn({ type }).filter((line) => line.includes(`is missing: type ${type} requires it`));
    t.equal(told.length, required.length, type);
  }
});

t.test('what means nothing with a type is reported, with the types that it is of', async (t) => {
  t.strictSame(mistakesIn({ type: 'scram-sha-256', username: 'a', password, tokenEndpoint: token }), [
    'spec.authentication.tokenEndpoint: has no meaning with type scram-sha-256. Leave it out. It belongs to type oauthbearer.',
  ]);
});

t.test('a client is proved once: by a secret that has an owner, or by an assertion', async (t) => {
  const oauth = { type: 'oauthbearer', tokenEndpoint: token };
  const clientAssertion = { serviceAccountName: 'kafka', audience: 'sso' };
  t.match(mistakesIn(oauth), [/exactly one of clientSecret, clientAssertion, has none of them/]);
  t.match(mistakesIn({ ...oauth, clientId: 'a', clientSecret: password, clientAssertion }), [/has both/]);
  t.match(mistakesIn({ ...oauth, clientSecret: password }), [
    /^spec\.authentication\.clientId: is missing: clientSecret requires it/,
  ]);
});

t.test('a certificate is shown over TLS only', async (t) => {
  const own = { type: 'tls', certificate: password, key: password };
  t.match(mistakesIn(own, {}), [/^spec\.tls: is missing: .* or `tls: \{\}` to trust the authorities/]);
  t.strictSame(mistakesIn(own, { tls: {} }), []);
});

t.test('it says in one way where its brokers are, and nothing beside that says it already', async (t) => {
  const strimzi = { kafka: 'my-cluster' };
  const written = (spec: unknown): string[] => {
    const metadata = { name: 'main', namespace: 'geo' };
    const verdict = validateKafkaCluster({ apiVersion, kind: 'KafkaCluster', metadata, spec });
    t.equal(knownCluster(verdict).access, undefined);
    return verdict.kind === 'right'
      ? []
      : verdict.mistakes.map(({ at, message }) => `${pathText(at)}: ${message}`);
  };
  t.strictSame(written({ strimzi }), []);
  t.strictSame(written({}), [
    'spec: must have exactly one of bootstrapServers, strimzi, binding, has none of them',
  ]);
  t.match(written({ strimzi, bootstrapServers: 'kafka:9092' }), [
    /^spec: .* has bootstrapServers and strimzi$/,
  ]);
  t.match(written({ strimzi, tls: {} }), [/^spec\.tls: has no meaning with strimzi/]);
  t.match(written('kafka:9092'), [/^spec: must be a mapping/]);
  t.strictSame(written({ strimzi: {} }), ['spec.strimzi.kafka: is missing']);
});

t.test('what the schema refuses is not validated twice, and passwords are not shown', async (t) => {
  t.match(mistakesIn({ type: 'kerberos' }), [/^spec\.authentication\.type: must be one of plain, /]);
  t.match(mistakesIn('scram'), [/^spec\.authentication: must be a mapping/]);
  t.match(mistakesIn({ type: 'plain', username: 'a', password: 's3cret' }), [
    /^spec\.authentication\.password: must be a mapping, is something else \(not shown, as it may be secret\)\. /,
  ]);
  const wrong = { type: 'oauthbearer', tokenEndpoint: 'https://me:s3cret@sso/token', clientId: 'a' };
  t.notMatch(mistakesIn({ ...wrong, clientSecret: password }).join(), /s3cret/);
});

t.test('SASL extensions are as brokers take them', async (t) => {
  const withExtensions = (extensions: unknown) =>
    mistakesIn({
      type: 'oauthbearer',
      tokenEndpoint: token,
      clientId: 'a',
      clientSecret: password,
      extensions,
    });
  t.strictSame(withExtensions({ logicalCluster: 'lkc-1 \t\r\n~' }), []);
  t.strictSame(withExtensions({ Auth: 'a' }), [
    'spec.authentication.extensions.Auth: is reserved for the token. Write another name.',
  ]);
  t.strictSame(withExtensions({ 'logical-cluster': 'a' }), [
    'spec.authentication.extensions["logical-cluster"]: is not the name of a SASL extension. ' +
      'A name has 1 to 64 letters, such as logicalCluster, and nothing else.',
  ]);
  t.match(withExtensions({ a: 'ä' }), [
    /extensions\.a: must be a string of 1 to 128 characters of ASCII, is "ä"/,
  ]);
  t.match(withExtensions({ a: 'x'.repeat(129) }), [/must have at most 128 characters, has 129/]);
  const letters = Array.from({ length: 17 }, (_, index) => [String.fromCodePoint(97 + index), 'b']);
  t.match(withExtensions(Object.fromEntries(letters)), [
    /must be a mapping of at most 16 names to strings, has 17/,
  ]);
});
